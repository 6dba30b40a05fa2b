"""What messages are made of beside words, and what is told of an answer in other dialects."""

from alembic import op

revision = "0003"
down_revision = "0002"

PARTS = """
ALTER TABLE messages ADD COLUMN parts TEXT;
CREATE TABLE responses (
    message {number} PRIMARY KEY REFERENCES messages (number) ON DELETE CASCADE,
    owner TEXT NOT NULL, facts TEXT NOT NULL
)
"""


def upgrade() -> None:
    """From 0002."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in PARTS.format(number="INTEGER" if sqlite else "BIGINT").split(";"):
        op.execute(statement.strip())
