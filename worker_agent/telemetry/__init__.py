"""What the agent tells of itself: its log, its metrics, its record."""
