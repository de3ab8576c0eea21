"""What people and programs are told, when, and in which words."""
