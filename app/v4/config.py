"""v4's limits, in one place; what an operator may set is in `app/config.py`."""

LONGEST_TITLE = 200
MOST_METADATA = 16
LONGEST_KEY = 64
LONGEST_VALUE = 512
LONGEST_IDEMPOTENCY_KEY = 255
