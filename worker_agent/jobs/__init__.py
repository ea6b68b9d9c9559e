"""A job as the agent sees it: its record, its folder, its seconds, its end."""
