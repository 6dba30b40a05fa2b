"""Virtual token ids: what stands in a prompt's list of ids for the feature rows of an image."""

from app.domain.messages import Picture

# Rows of one image; more than any family has.
MOST_ROWS = 1 << 20


def image_rows(picture: Picture, count: int) -> list[int]:
    """`count` ids of rows, from the picture's pixels and the row's place: the same picture has
    the same ids wherever it stands, no two pictures share one, none is of a vocabulary."""
    # 96 bits of the digest, so that nobody finds two pictures with equal ids.
    first = int(picture.sha256[:24], 16) * MOST_ROWS
    return [-(first + row + 1) for row in range(count)]
