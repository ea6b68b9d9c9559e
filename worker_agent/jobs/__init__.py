"""A job as the agent sees it: whether it goes on, what it took, its end."""
