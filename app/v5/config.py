"""v5's limits, in one place; what an operator may set is in `app/config.py`."""

MIB = 1024 * 1024
# In one body, whatever the setting for a message is: what a schema is shown at all.
MOST_SOURCES = 64
LONGEST_FILE_NAME = 255
LONGEST_HINT = 64 * 1024
# Parts of a form beside the images and their texts: every option, some stop texts.
MOST_PARTS = 128
LARGEST_PART_HEAD = 4096
# Everything in a body that is no image.
WORDS_BYTES = 4 * MIB
# Bodies up to this size, and files of forms, are nobody's business; larger files go to disk.
SMALL = MIB
# The largest bodies that one process holds in memory at a time.
LARGEST_AT_ONCE = 2


def vision_body_limit(most_images: int, most_image_bytes: int) -> int:
    """Bytes of a request with as many images as a message may bring, the largest, in base64; the
    same images in a form are fewer bytes."""
    encoded = -(-most_image_bytes // 3) * 4
    return most_images * encoded + WORDS_BYTES
