"""v5's limits, in one place; what an operator may set is in `app/config.py`."""

MIB = 1024 * 1024
# In one body, whatever the setting for a message is: what a schema is shown at all.
MOST_SOURCES = 64
LONGEST_FILE_NAME = 255
LONGEST_HINT = 64 * 1024
# Parts of a form: every option, some stop texts, the images.
MOST_PARTS = 128
LARGEST_PART_HEAD = 4096
# Bodies above this size are held in memory by a few requests at a time, in one process.
LARGE_BODY = MIB
BODIES_AT_ONCE = 8


def vision_body_limit(most_image_bytes: int) -> int:
    """Bytes of a request with images: two of the largest as base64, and the words."""
    return 2 * most_image_bytes * 4 // 3 + 2 * MIB
