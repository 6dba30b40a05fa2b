"""Users' prompt templates: each change is a new version, and an old one can come back."""

from typing import Any

import msgspec
from sqlalchemy import Row, Select, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database.records import StoredTemplate
from app.database.rows import to_json
from app.database.session import Database
from app.database.tables import template_versions, templates
from app.database.texts import as_time, check_text, now
from app.domain.errors import SllmError

Body = dict[str, Any]


async def create_template(database: Database, owner: str, name: str, body: Body) -> StoredTemplate:
    """Version 1, or the next one of a deleted template of this name. SllmError `conflict`."""
    _check(name, body)
    async with database.write() as connection:
        row = await _locked(connection, owner, name)
        if row is None:
            await _insert(connection, owner, name)
        elif not row.deleted:
            raise SllmError("conflict", param="name")
        return await _add_version(connection, owner, name, row.version + 1 if row else 1, body)


async def replace_template(
    database: Database, owner: str, name: str, body: Body, expected_version: int | None = None
) -> StoredTemplate:
    """The next version. SllmError `not_found`; `conflict` when `expected_version` is not newest."""
    _check(name, body)
    async with database.write() as connection:
        row = await _existing(connection, owner, name)
        if expected_version not in (None, row.version):
            raise SllmError("conflict", param="If-Match")
        return await _add_version(connection, owner, name, row.version + 1, body)


async def restore_template(
    database: Database, owner: str, name: str, version: int
) -> StoredTemplate:
    """An old version's body as the newest version. SllmError `not_found`."""
    check_text(name, "name")
    async with database.write() as connection:
        row = await _existing(connection, owner, name)
        old = _versions(owner, name).where(template_versions.c.version == version)
        found = (await connection.execute(old)).one_or_none()
        if found is None:
            raise SllmError("not_found", "template_not_found")
        body = msgspec.json.decode(found.body, type=dict)
        return await _add_version(connection, owner, name, row.version + 1, body)


async def delete_template(database: Database, owner: str, name: str) -> None:
    """Hide it; its versions stay for the next template of this name. SllmError `not_found`."""
    check_text(name, "name")
    async with database.write() as connection:
        await _existing(connection, owner, name)
        await connection.execute(_changed(owner, name).values(deleted=True))


async def get_template(database: Database, owner: str, name: str) -> StoredTemplate:
    """The newest version. SllmError `not_found`."""
    return (await template_history(database, owner, name))[0]


async def template_history(database: Database, owner: str, name: str) -> tuple[StoredTemplate, ...]:
    """Every version, newest first. SllmError `not_found`."""
    check_text(name, "name")
    found = _versions(owner, name).where(templates.c.deleted.is_(False))
    async with database.read() as connection:
        rows = await connection.execute(found.order_by(template_versions.c.version.desc()))
        items = tuple(map(_as_template, rows))
    if not items:
        raise SllmError("not_found", "template_not_found")
    return items


async def list_templates(database: Database, owner: str) -> tuple[StoredTemplate, ...]:
    """The newest version of each, by name."""
    newest = (
        _joined(owner)
        .where(templates.c.deleted.is_(False), template_versions.c.version == templates.c.version)
        .order_by(templates.c.name)
    )
    async with database.read() as connection:
        return tuple(map(_as_template, await connection.execute(newest)))


def _check(name: str, body: Body) -> None:
    check_text(name, "name")
    for text in _texts(body):
        check_text(text, "body")


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in _texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    return [value] if isinstance(value, str) else []


def _joined(owner: str) -> Select[Any]:
    versions = template_versions
    return (
        select(versions, templates.c.created_at.label("first_at"))
        .join(
            templates,
            (templates.c.owner == versions.c.owner) & (templates.c.name == versions.c.name),
        )
        .where(versions.c.owner == owner, templates.c.owner == owner)
    )


def _versions(owner: str, name: str) -> Select[Any]:
    return _joined(owner).where(template_versions.c.name == name)


def _as_template(row: Row[Any]) -> StoredTemplate:
    body = msgspec.json.decode(row.body, type=dict)
    return StoredTemplate(
        row.name, row.version, body, as_time(row.first_at), as_time(row.created_at)
    )


def _changed(owner: str, name: str) -> Any:
    return update(templates).where(templates.c.owner == owner, templates.c.name == name)


async def _locked(connection: AsyncConnection, owner: str, name: str) -> Row[Any] | None:
    found = select(templates).where(templates.c.owner == owner, templates.c.name == name)
    return (await connection.execute(found.with_for_update())).one_or_none()


async def _existing(connection: AsyncConnection, owner: str, name: str) -> Row[Any]:
    row = await _locked(connection, owner, name)
    if row is None or row.deleted:
        raise SllmError("not_found", "template_not_found")
    return row


async def _insert(connection: AsyncConnection, owner: str, name: str) -> None:
    row = {"owner": owner, "name": name, "version": 0, "deleted": False, "created_at": now()}
    try:
        await connection.execute(templates.insert(), row)
    except IntegrityError:  # on PostgreSQL somebody else may have made it just now
        raise SllmError("conflict", param="name") from None


async def _add_version(
    connection: AsyncConnection, owner: str, name: str, version: int, body: Body
) -> StoredTemplate:
    row = {
        "owner": owner, "name": name, "version": version, "body": to_json(body),
        "created_at": now(),
    }  # fmt: skip
    await connection.execute(template_versions.insert(), row)
    await connection.execute(_changed(owner, name).values(version=version, deleted=False))
    newest = _versions(owner, name).where(template_versions.c.version == version)
    return _as_template((await connection.execute(newest)).one())
