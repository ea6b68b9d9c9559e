"""The Blenders of this worker: which one a file needs, and how one that is not there is installed."""
