"""This machine: what it is, what it costs, whether it is fit for work."""
