"""v4's limits, in one place; what an operator may set is in `app/config.py`."""

LONGEST_TITLE = 200
MOST_METADATA = 16
LONGEST_KEY = 64
LONGEST_VALUE = 512
LONGEST_QUERY = 256
LONGEST_IDEMPOTENCY_KEY = 255

MOST_TEMPLATES = 1000
MOST_EXAMPLES = 64
MOST_TAGS = 16
MOST_VALUES = 256
LONGEST_DESCRIPTION = 2000

# Of one import, in bytes: the whole body, a conversation and a message in it; and how many.
IMPORT_BYTES = 64 * 1024 * 1024
LARGEST_CONVERSATION = 32 * 1024 * 1024
LARGEST_MESSAGE = 1024 * 1024
MOST_MESSAGES = 20_000
MOST_IMPORTED = 100_000
# Of one message of an import; and the bytes of pictures that one exported conversation carries,
# so that as base64 they fit LARGEST_CONVERSATION.
MOST_IMAGES = 64
MOST_CALLS = 128
EXPORTED_IMAGES = 22 * 1024 * 1024
IMPORTS_AT_ONCE = 2
