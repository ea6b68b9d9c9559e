"""Files to the bucket and from it, over connections that break: what has arrived is not sent again."""
