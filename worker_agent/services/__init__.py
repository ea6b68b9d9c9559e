"""The services of AWS as the agent calls them: clients, the bucket, and patience with both."""
