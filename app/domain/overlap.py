"""Where a text that arrives in pieces may be about to spell something."""


def overlap(text: str, word: str) -> int:
    """The length of the longest end of `text` with which `word` begins, but not all of it."""
    for length in range(min(len(text), len(word) - 1), 0, -1):
        if text.endswith(word[:length]):
            return length
    return 0
