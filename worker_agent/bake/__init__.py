"""A job prepared for rendering: fetched, inspected, baked, proved, published."""
