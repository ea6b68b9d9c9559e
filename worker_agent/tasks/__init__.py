"""Messages taken from the queues: claimed, held, done by hands, deleted or given back."""
