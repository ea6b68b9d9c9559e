"""`farm simulate`: what a scaling policy does to a day's work, before anybody pays for it."""
