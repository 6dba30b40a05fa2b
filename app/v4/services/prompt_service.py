"""The steps of making, changing and deleting templates of one's own; finding them is v3's."""

import msgspec

from app.database import Database, templates
from app.domain.errors import SllmError
from app.domain.prompt_templates import TEMPLATE_NAME, PromptTemplate
from app.domain.template_check import check_template
from app.v3.services.prompt_service import Page, Templates, as_template, no_such_template
from app.v4.config import MOST_TEMPLATES

# What the database itself keeps of each; the rest is what the user wrote.
KEPT_APART = frozenset({"name", "builtin", "version", "created_at", "updated_at"})


class TemplateEditor:
    """One owner's templates; a `builtin` one is never changed, nor is its name taken.

    `expected` is the version that a change was made from: SllmError `conflict` when that is the
    newest no more; None is any. Every method raises SllmError `not_found` for a name that is not
    this owner's, and `conflict` for one that is built in.
    """

    def __init__(self, builtin: Templates, database: Database, owner: str) -> None:
        self._builtin = builtin
        self._database = database
        self._owner = owner

    async def create(self, template: PromptTemplate) -> PromptTemplate:
        """`template` under its name. Raises TemplateError; SllmError `conflict` where the name is
        taken or MOST_TEMPLATES are there."""
        self._check_not_builtin(template.name, "name")
        check_template(template)
        stored = await templates.create_template(
            self._database, self._owner, template.name, body_of(template), MOST_TEMPLATES
        )
        return as_template(stored)

    async def replace(self, template: PromptTemplate, expected: int | None) -> PromptTemplate:
        """`template` as the next version of the one of its name. Raises TemplateError."""
        self._check_own(template.name)
        check_template(template)
        stored = await templates.replace_template(
            self._database, self._owner, template.name, body_of(template), expected
        )
        return as_template(stored)

    async def restore(self, name: str, version: int, expected: int | None) -> PromptTemplate:
        """What `version` said, as the next version."""
        self._check_own(name)
        stored = await templates.restore_template(
            self._database, self._owner, name, version, expected
        )
        return as_template(stored)

    async def delete(self, name: str, expected: int | None) -> None:
        """All versions of it."""
        self._check_own(name)
        await templates.delete_template(self._database, self._owner, name, expected)

    async def versions(self, name: str, page: int, page_size: int) -> Page:
        """Newest first; a built-in one has had no other."""
        first = (page - 1) * page_size
        if name in self._builtin:
            only = [self._builtin[name]]
            return Page(only[first : first + page_size], 1, page, page_size)
        _check_possible(name)
        found = await templates.template_history(
            self._database, self._owner, name, first, page_size
        )
        return Page(list(map(as_template, found.items)), found.total, page, page_size)

    def _check_own(self, name: str) -> None:
        self._check_not_builtin(name, "template")
        _check_possible(name)

    def _check_not_builtin(self, name: str, param: str) -> None:
        if name in self._builtin:
            raise SllmError("conflict", "template_builtin", param=param)


def _check_possible(name: str) -> None:
    if not TEMPLATE_NAME.fullmatch(name):
        raise no_such_template()


def body_of(template: PromptTemplate) -> dict[str, object]:
    """What is kept of a version, as JSON values."""
    whole: dict[str, object] = msgspec.to_builtins(template)
    return {name: value for name, value in whole.items() if name not in KEPT_APART}
