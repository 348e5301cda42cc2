"""What scrypt costs here. Read when a key is made and kept beside it: tests make cheap ones."""

from __future__ import annotations

from parvis.offers.sealing import STANDARD_COST

COST = STANDARD_COST
MOST_TRIES = 5  # wrong ones in a row
WAIT_MINUTES = 15  # after that
