"""Measures the built function against scripts that do the same without any safety. `make bench` runs it."""
