"""How busy this machine is, minute by minute, for the dashboard."""
