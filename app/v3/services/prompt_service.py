"""The steps of finding, filling in and previewing templates."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.errors import SllmError
from app.domain.messages import Message
from app.domain.prompt_templates import PromptTemplate, Rendered, TemplateLanguage, render
from app.provider.model_provider import ModelProvider


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
    """Templates by name; nothing here touches a file."""

    def __init__(self, templates: Mapping[str, PromptTemplate]) -> None:
        self._templates = templates

    def page(
        self, page: int, page_size: int, tag: str | None, language: TemplateLanguage | None
    ) -> Page:
        """Those that carry `tag` and serve `language`; "multi" ones serve every language."""
        found = [
            template
            for template in self._templates.values()
            if (tag is None or tag in template.tags)
            and (language is None or template.language in (language, "multi"))
        ]
        first = (page - 1) * page_size
        return Page(found[first : first + page_size], len(found), page, page_size)

    def get(self, name: str) -> PromptTemplate:
        """Raises SllmError `not_found`, whatever the name looks like."""
        if name not in self._templates:
            raise SllmError("not_found", "template_not_found", param="template")
        return self._templates[name]

    async def render(self, name: str, values: Mapping[str, object]) -> Rendered:
        """Raises SllmError `not_found`, or InvalidVariables."""
        return render(self.get(name), values)

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
