"""The tables as queries see them; `migrations/` makes them.

Every row has an owner. A message's number is its conversation's number times 2^20 plus its place
(seq, from 1) there, so a conversation lies together on disk and the search index needs no join.
"""

from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, Table, Text

SEQ_BITS = 20
MAX_SEQ = (1 << SEQ_BITS) - 1

metadata = MetaData()

conversations = Table(
    "conversations",
    metadata,
    Column("number", BigInteger, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("template", Text),
    Column("setup", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("current", BigInteger),
    Column("message_count", Integer, nullable=False),
    Column("last_seq", Integer, nullable=False),
)
labels = Table(
    "labels",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("conversation", BigInteger, primary_key=True),
)
messages = Table(
    "messages",
    metadata,
    Column("number", BigInteger, primary_key=True),
    Column("conversation", BigInteger, nullable=False),
    Column("owner", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("parent", BigInteger),
    Column("role", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("finish_reason", Text),
    Column("usage", Text),
    Column("timings", Text),
    Column("writer", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("parts", Text),
)
responses = Table(
    "responses",
    metadata,
    Column("message", BigInteger, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("facts", Text, nullable=False),
)
images = Table(
    "images",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("conversation", BigInteger, nullable=False),
    Column("message", BigInteger, nullable=False),
    Column("place", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("tokens", Integer, nullable=False),
    Column("filename", Text, nullable=False),
    Column("ocr", Text, nullable=False),
    Column("lens_keywords", Text, nullable=False),
    Column("lens_local_keywords", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
idempotency = Table(
    "idempotency",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_hash", Text, nullable=False),
    Column("conversation", BigInteger, nullable=False),
    Column("answer", BigInteger, nullable=False),
    Column("result", Text),
    Column("created_at", BigInteger, nullable=False),
)
templates = Table(
    "templates",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
template_versions = Table(
    "template_versions",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("body", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)


def number_of(conversation: int, seq: int) -> int:
    """The number of the message at `seq`; seq 0 stands for the conversation's title."""
    return conversation << SEQ_BITS | seq


def seq_of(message: int) -> int:
    return message & MAX_SEQ
