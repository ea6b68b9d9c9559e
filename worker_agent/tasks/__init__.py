"""Messages taken from the queues: claimed, held, done by hands, given back."""
