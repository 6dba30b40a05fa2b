"""v4: v3, in conversations that the server keeps, and templates of the user's own."""

from app import v3

FEATURES = v3.FEATURES
