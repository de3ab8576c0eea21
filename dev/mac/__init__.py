"""What stands in for Linux on another machine; nothing here is deployed."""
