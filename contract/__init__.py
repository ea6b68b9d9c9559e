"""What the parts of the farm say to each other. Standard library only, so that every part can import it."""
