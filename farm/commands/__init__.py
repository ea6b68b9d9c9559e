"""The commands of `farm`, one module each: what is heavy is imported when a command runs."""
