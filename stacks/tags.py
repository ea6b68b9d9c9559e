"""What everything of a farm is tagged with, so that AWS's bill can be told apart by it."""

from __future__ import annotations

FARM_TAG = "Farm"
"""Its value is the farm's name. Somebody has to activate it once under Billing, Cost allocation tags."""
