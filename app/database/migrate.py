"""Brings a database's schema to this version's, in one transaction of the caller's."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from app.database.errors import DatabaseUnusable

SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(connection: Connection) -> None:
    """Run the steps that are missing. Raises DatabaseUnusable for a newer version's schema."""
    found = _current(connection)
    if found == head():
        return
    if found is not None and found not in known():
        raise DatabaseUnusable(
            f"The database was written by a newer version of this server (schema {found}). "
            "Install that version, or restore a backup made before it."
        )
    # Late: a tenth of a second, for nothing at nearly every start.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def known() -> list[str]:
    """The steps' names in their order, with which their files' begin."""
    return sorted(file.name.partition("_")[0] for file in SCRIPTS.glob("versions/[0-9]*.py"))


def head() -> str:
    """The last step's name."""
    return known()[-1]


def _current(connection: Connection) -> str | None:
    """As Alembic notes it."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
