"""Machines are taken away: Spot notices, scale-in, deploys. What the agent hears of it, and what it does."""
