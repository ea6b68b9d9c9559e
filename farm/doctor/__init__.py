"""What is wrong with a farm, or with this computer, and what to do about it."""
