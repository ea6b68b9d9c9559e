"""What the farm is made of on AWS: one stack for each group of resources."""
