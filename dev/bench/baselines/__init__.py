"""What the function is measured against: handlers as somebody in a hurry writes them. Never deployed."""
