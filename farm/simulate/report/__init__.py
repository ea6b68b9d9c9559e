"""What `farm simulate` shows: a table, plots, and everything as JSON."""
