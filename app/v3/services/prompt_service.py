"""The steps of finding, filling in and previewing templates: those built in, and a user's own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from app.database import Database, templates
from app.database.records import StoredTemplate
from app.domain.errors import SllmError
from app.domain.messages import Message
from app.domain.prompt_templates import (
    TEMPLATE_NAME,
    PromptTemplate,
    Rendered,
    TemplateLanguage,
    render,
)
from app.provider.model_provider import ModelProvider

Templates = Mapping[str, PromptTemplate]


@dataclass(frozen=True)
class Page:
    """Some of `total` templates; pages count from 1, one beyond the last is empty."""

    items: list[PromptTemplate]
    total: int
    page: int
    page_size: int

    @property
    def pages(self) -> int:
        """How many pages there are; 0 when there is nothing."""
        return -(-self.total // self.page_size)


class PromptService:
    """Templates by name: `builtin` ones, and those that `owner` has made. One that is built in
    is found without the database. Every method raises SllmError when that is needed and fails."""

    def __init__(self, builtin: Templates, database: Database, owner: str) -> None:
        self._builtin = builtin
        self._database = database
        self._owner = owner

    async def page(
        self, page: int, page_size: int, tag: str | None, language: TemplateLanguage | None
    ) -> Page:
        """Built-in ones first, then own ones by name: those that carry `tag` and serve
        `language`; "multi" ones serve every language."""
        first = (page - 1) * page_size
        if tag is None and language is None:
            return await self._page_of_all(page, page_size)
        own = await templates.list_templates(self._database, self._owner)
        every = (*self._builtin.values(), *map(as_template, own))
        found = list(_serving(every, tag, language))
        return Page(found[first : first + page_size], len(found), page, page_size)

    async def _page_of_all(self, page: int, page_size: int) -> Page:
        """Reads no more of the own ones than this page shows."""
        first = (page - 1) * page_size
        items = list(self._builtin.values())[first : first + page_size]
        own = await templates.some_templates(
            self._database,
            self._owner,
            first=max(0, first - len(self._builtin)),
            count=page_size - len(items),
        )
        items += map(as_template, own.items)
        return Page(items, len(self._builtin) + own.total, page, page_size)

    async def get(self, name: str) -> PromptTemplate:
        """Raises SllmError `not_found`, the same whatever the name looks like and whoever else
        has one of that name."""
        if name in self._builtin:
            return self._builtin[name]
        if not TEMPLATE_NAME.fullmatch(name):
            raise no_such_template()
        return as_template(await templates.get_template(self._database, self._owner, name))

    async def render(self, name: str, values: Mapping[str, object]) -> Rendered:
        """Raises SllmError `not_found`, or InvalidVariables."""
        return render(await self.get(name), values)

    async def preview(
        self, name: str, values: Mapping[str, object], model: ModelProvider
    ) -> tuple[Rendered, int]:
        """What `render` gives, and the prompt tokens of a chat with it before a word is said.

        An empty user message is counted with it: chat templates refuse, or continue, messages
        that end with the assistant's.
        """
        rendered = await self.render(name, values)
        messages = (*rendered.head, Message("user", ""))
        return rendered, await model.count(messages=messages)


def _serving(
    every: tuple[PromptTemplate, ...], tag: str | None, language: TemplateLanguage | None
) -> Iterator[PromptTemplate]:
    for template in every:
        tagged = tag is None or tag in template.tags
        if tagged and (language is None or template.language in (language, "multi")):
            yield template


def as_template(stored: StoredTemplate) -> PromptTemplate:
    """A user's template as everything but the database knows it."""
    about = {
        "name": stored.name,
        "created_at": stored.created_at,
        "updated_at": stored.updated_at,
        "version": stored.version,
        "builtin": False,
    }
    return msgspec.convert(stored.body | about, PromptTemplate)


def no_such_template() -> SllmError:
    """Also for what belongs to somebody else."""
    return SllmError("not_found", "template_not_found", param="template")
