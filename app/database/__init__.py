"""Conversations and templates on disk: tables, migrations, and the functions that services call.

SQL lives here and nowhere else; no row leaves this package, only the types of `records`.
"""

from app.database.errors import DatabaseNotReady, DatabaseUnusable
from app.database.opening import open_database
from app.database.session import Database

__all__ = ["Database", "DatabaseNotReady", "DatabaseUnusable", "open_database"]
