"""Where the Blenders of this worker are open, whose turn it is at them, and how many there are."""
