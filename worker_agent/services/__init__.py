"""The services of AWS as the agent calls them: clients, and patience with what fails."""
