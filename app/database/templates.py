"""Users' prompt templates: each change is a new version, and an old one can come back."""

from typing import Any

import msgspec
from sqlalchemy import Row, Select, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database.records import StoredTemplate, StoredTemplates
from app.database.rows import to_json
from app.database.session import Database
from app.database.tables import template_versions, templates
from app.database.texts import as_time, check_text, now
from app.domain.errors import SllmError

Body = dict[str, Any]


async def create_template(
    database: Database, owner: str, name: str, body: Body, most: int | None = None
) -> StoredTemplate:
    """Version 1, or the next one of a deleted template of this name.

    SllmError `conflict` when there is one, or when the owner has `most` already.
    """
    _check(name, body)
    async with database.write() as connection:
        row = await _locked(connection, owner, name)
        if row is not None and not row.deleted:
            raise SllmError("conflict", "template_exists", param="name")
        if most is not None and await _number(connection, owner) >= most:
            raise SllmError("conflict", "templates_full", details={"limit": most})
        at = now()
        if row is None:
            await _insert(connection, owner, name, at)
        else:
            await connection.execute(_changed(owner, name).values(created_at=at))
        version = row.version + 1 if row else 1
        return await _add_version(connection, owner, name, version, body, at)


async def replace_template(
    database: Database, owner: str, name: str, body: Body, expected_version: int | None = None
) -> StoredTemplate:
    """The next version. SllmError `not_found`; `conflict` when `expected_version` is not newest."""
    _check(name, body)
    async with database.write() as connection:
        row = await _existing(connection, owner, name, expected_version)
        return await _add_version(connection, owner, name, row.version + 1, body, now())


async def restore_template(
    database: Database,
    owner: str,
    name: str,
    version: int,
    expected_version: int | None = None,
) -> StoredTemplate:
    """An old version's body as the newest version. SllmError `not_found`; `conflict` when
    `expected_version` is not newest."""
    check_text(name, "name")
    async with database.write() as connection:
        row = await _existing(connection, owner, name, expected_version)
        old = _versions(owner, name).where(template_versions.c.version == version)
        found = (await connection.execute(old)).one_or_none()
        if found is None:
            raise SllmError("not_found", "template_version_not_found", param="version")
        body = msgspec.json.decode(found.body, type=dict)
        return await _add_version(connection, owner, name, row.version + 1, body, now())


async def delete_template(
    database: Database, owner: str, name: str, expected_version: int | None = None
) -> None:
    """Forget it and all its versions but for their number, so that no version of the next one of
    this name is taken for one of these. SllmError `not_found`; `conflict` when `expected_version`
    is not newest."""
    check_text(name, "name")
    said = (template_versions.c.owner == owner) & (template_versions.c.name == name)
    async with database.write() as connection:
        await _existing(connection, owner, name, expected_version)
        await connection.execute(template_versions.delete().where(said))
        await connection.execute(_changed(owner, name).values(deleted=True))


async def get_template(database: Database, owner: str, name: str) -> StoredTemplate:
    """The newest version. SllmError `not_found`."""
    check_text(name, "name")
    newest = _newest(owner).where(templates.c.name == name)
    async with database.read() as connection:
        row = (await connection.execute(newest)).one_or_none()
    if row is None:
        raise _missing()
    return _as_template(row)


async def template_history(
    database: Database, owner: str, name: str, first: int = 0, count: int | None = None
) -> StoredTemplates:
    """Its versions, newest first: `count` from the place `first`. SllmError `not_found`."""
    check_text(name, "name")
    some = _versions(owner, name).order_by(template_versions.c.version.desc())
    async with database.read() as connection:
        total = await _total(connection, _versions(owner, name))
        rows = await connection.execute(some.offset(first).limit(count))
        items = tuple(map(_as_template, rows))
    if not total:
        raise _missing()
    return StoredTemplates(items, total)


async def list_templates(database: Database, owner: str) -> tuple[StoredTemplate, ...]:
    """The newest version of each, by name."""
    async with database.read() as connection:
        rows = await connection.execute(_newest(owner).order_by(templates.c.name))
        return tuple(map(_as_template, rows))


async def some_templates(database: Database, owner: str, first: int, count: int) -> StoredTemplates:
    """`count` of that list from the place `first`, and how many there are in all."""
    some = _newest(owner).order_by(templates.c.name).offset(first).limit(count)
    async with database.read() as connection:
        total = await _number(connection, owner)
        rows = await connection.execute(some)
        return StoredTemplates(tuple(map(_as_template, rows)), total)


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


def _missing() -> SllmError:
    """The same whether there never was one or it is somebody else's."""
    return SllmError("not_found", "template_not_found", param="template")


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


def _newest(owner: str) -> Select[Any]:
    newest = template_versions.c.version == templates.c.version
    return _joined(owner).where(templates.c.deleted.is_(False), newest)


def _versions(owner: str, name: str) -> Select[Any]:
    return _joined(owner).where(template_versions.c.name == name)


async def _number(connection: AsyncConnection, owner: str) -> int:
    """How many templates the owner has."""
    own = select(templates.c.name).where(templates.c.owner == owner, templates.c.deleted.is_(False))
    return await _total(connection, own)


async def _total(connection: AsyncConnection, rows: Select[Any]) -> int:
    counted = select(func.count()).select_from(rows.subquery())
    return int((await connection.execute(counted)).scalar_one())


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


async def _existing(
    connection: AsyncConnection, owner: str, name: str, expected_version: int | None
) -> Row[Any]:
    row = await _locked(connection, owner, name)
    if row is None or row.deleted:
        raise _missing()
    if expected_version not in (None, row.version):
        raise SllmError(
            "conflict", "template_stale", param="If-Match", details={"version": row.version}
        )
    return row


async def _insert(connection: AsyncConnection, owner: str, name: str, at: int) -> None:
    row = {"owner": owner, "name": name, "version": 0, "deleted": False, "created_at": at}
    try:
        await connection.execute(templates.insert(), row)
    except IntegrityError:  # on PostgreSQL somebody else may have made it just now
        raise SllmError("conflict", "template_exists", param="name") from None


async def _add_version(
    connection: AsyncConnection, owner: str, name: str, version: int, body: Body, at: int
) -> StoredTemplate:
    row = {
        "owner": owner, "name": name, "version": version, "body": to_json(body), "created_at": at,
    }  # fmt: skip
    await connection.execute(template_versions.insert(), row)
    await connection.execute(_changed(owner, name).values(version=version, deleted=False))
    newest = _versions(owner, name).where(template_versions.c.version == version)
    return _as_template((await connection.execute(newest)).one())
