"""What is simulated: the queues, the machines and their agents, the group."""
