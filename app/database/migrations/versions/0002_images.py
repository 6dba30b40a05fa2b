"""The pictures that messages show."""

from alembic import op

revision = "0002"
down_revision = "0001"

IMAGES = """
CREATE TABLE images (
    owner TEXT NOT NULL, id TEXT NOT NULL,
    conversation BIGINT NOT NULL REFERENCES conversations (number) ON DELETE CASCADE,
    message BIGINT NOT NULL REFERENCES messages (number) ON DELETE CASCADE,
    place INTEGER NOT NULL, sha256 TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,
    media_type TEXT NOT NULL, tokens INTEGER NOT NULL, filename TEXT NOT NULL, ocr TEXT NOT NULL,
    lens_keywords TEXT NOT NULL, lens_local_keywords TEXT NOT NULL, created_at BIGINT NOT NULL,
    PRIMARY KEY (owner, id)
);
CREATE INDEX images_message ON images (message, place);
CREATE INDEX images_conversation ON images (conversation);
CREATE INDEX images_sha256 ON images (sha256)
"""


def upgrade() -> None:
    """From 0001."""
    for statement in IMAGES.split(";"):
        op.execute(statement.strip())
