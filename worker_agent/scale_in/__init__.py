"""A fleet that has too many workers: which of them the group may end, and when one ends itself."""
