"""One function for each behavior that is open in docs/aws-assumptions.md, by its id there."""
