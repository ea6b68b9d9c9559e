"""How long a job will take and what it will cost, before it is sent."""
