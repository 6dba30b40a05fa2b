"""Users' templates: versions, restoring, owners, conflicts."""

import asyncio

import pytest

from app.database import Database, templates
from app.database.records import StoredTemplate, StoredTemplates
from app.domain.errors import SllmError
from tests.database.test_conversations import refusal


async def test_versions(database: Database) -> None:
    first = await templates.create_template(database, "local", "mine", {"system": "가"})
    second = await templates.replace_template(database, "local", "mine", {"system": "2"}, 1)
    third = await templates.restore_template(database, "local", "mine", 1)
    assert [first.version, second.version, third.version] == [1, 2, 3]
    assert third.body == {"system": "가"}
    assert await templates.get_template(database, "local", "mine") == third
    history = (await templates.template_history(database, "local", "mine")).items
    assert [each.version for each in history] == [3, 2, 1]
    assert first.created_at == third.created_at <= third.updated_at


async def test_conflicts(database: Database) -> None:
    await templates.create_template(database, "local", "mine", {})
    with refusal("conflict"):
        await templates.create_template(database, "local", "mine", {})
    with refusal("conflict"):
        await templates.replace_template(database, "local", "mine", {}, 2)
    with refusal("not_found"):
        await templates.restore_template(database, "local", "mine", 7)


async def test_of_two_replacing_the_same_version_one_wins(database: Database) -> None:
    await templates.create_template(database, "local", "mine", {})
    racing = [templates.replace_template(database, "local", "mine", {"n": n}, 1) for n in range(6)]
    ended = await asyncio.gather(*racing, return_exceptions=True)
    assert sum(isinstance(outcome, StoredTemplate) for outcome in ended) == 1
    codes = [outcome.code for outcome in ended if isinstance(outcome, SllmError)]
    assert codes == ["conflict"] * 5


async def test_of_two_creating_the_same_name_one_wins(database: Database) -> None:
    racing = [templates.create_template(database, "local", "new", {"n": n}) for n in range(6)]
    ended = await asyncio.gather(*racing, return_exceptions=True)
    assert sum(isinstance(outcome, StoredTemplate) for outcome in ended) == 1
    codes = [outcome.code for outcome in ended if isinstance(outcome, SllmError)]
    assert codes == ["conflict"] * 5


async def test_deleting_and_making_again(database: Database) -> None:
    await templates.create_template(database, "local", "mine", {"n": 1})
    await templates.delete_template(database, "local", "mine")
    for attempt in (
        templates.get_template(database, "local", "mine"),
        templates.delete_template(database, "local", "mine"),
        templates.replace_template(database, "local", "mine", {}),
        templates.restore_template(database, "local", "mine", 1),
    ):
        with refusal("not_found"):
            await attempt
    assert await templates.list_templates(database, "local") == ()
    again = await templates.create_template(database, "local", "mine", {"n": 2})
    assert again.version == 2


async def test_nothing_of_a_deleted_one_comes_back(database: Database) -> None:
    first = await templates.create_template(database, "local", "mine", {"n": 1})
    await templates.delete_template(database, "local", "mine", 1)
    again = await templates.create_template(database, "local", "mine", {"n": 2})
    assert (await templates.template_history(database, "local", "mine")).items == (again,)
    assert again.created_at > first.created_at
    with refusal("not_found"):
        await templates.restore_template(database, "local", "mine", 1)


async def test_a_stale_version_changes_nothing(database: Database) -> None:
    made = await templates.create_template(database, "local", "mine", {})
    for stale in (0, 2):
        with refusal("conflict"):
            await templates.delete_template(database, "local", "mine", stale)
        with refusal("conflict"):
            await templates.restore_template(database, "local", "mine", 1, stale)
    assert await templates.get_template(database, "local", "mine") == made


async def test_an_owner_has_only_so_many(database: Database) -> None:
    for name in ("a", "b"):
        await templates.create_template(database, "local", name, {}, most=2)
    with refusal("conflict"):
        await templates.create_template(database, "local", "c", {}, most=2)
    await templates.create_template(database, "other", "c", {}, most=2)
    await templates.delete_template(database, "local", "a")
    await templates.create_template(database, "local", "c", {}, most=2)
    with refusal("conflict"):
        await templates.create_template(database, "local", "a", {}, most=2)


async def test_pages(database: Database) -> None:
    made = [await templates.create_template(database, "local", name, {}) for name in "abc"]
    await templates.create_template(database, "local", "gone", {})
    await templates.delete_template(database, "local", "gone")
    page = await templates.some_templates(database, "local", 1, 5)
    assert (page.items, page.total) == (tuple(made[1:]), 3)
    assert await templates.some_templates(database, "local", 3, 5) == StoredTemplates((), 3)
    for number in range(2, 5):
        await templates.replace_template(database, "local", "a", {"n": number})
    versions = await templates.template_history(database, "local", "a", 1, 2)
    assert ([each.version for each in versions.items], versions.total) == ([3, 2], 4)
    assert (await templates.template_history(database, "local", "a", 9, 2)).items == ()


async def test_owners(database: Database) -> None:
    mine = await templates.create_template(database, "local", "name", {"n": 1})
    hers = await templates.create_template(database, "other", "name", {"n": 2})
    assert await templates.list_templates(database, "local") == (mine,)
    assert await templates.list_templates(database, "other") == (hers,)
    await templates.delete_template(database, "other", "name")
    assert await templates.get_template(database, "local", "name") == mine


@pytest.mark.parametrize("bad", ["\0", "\udfff"])
async def test_what_a_database_cannot_hold_is_refused(database: Database, bad: str) -> None:
    for name, body in ((bad, {}), ("x", {"a": [{"b": bad}]}), ("x", {bad: 1})):
        with refusal("invalid_parameter"):
            await templates.create_template(database, "local", name, body)
