"""The built-in templates, a JSON file each; read once, so that no request touches a file."""

from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

import msgspec

from app.domain.messages import Message
from app.domain.prompt_templates import PromptTemplate, render
from app.domain.template_check import check_template
from app.v1.models.options import OptionsSchema


def read_templates() -> Mapping[str, PromptTemplate]:
    """Every template of this folder by name, `default` first.

    Raises TemplateError, msgspec.ValidationError or pydantic.ValidationError for one that would
    not work.
    """
    found = [
        msgspec.json.decode(file.read_bytes(), type=PromptTemplate)
        for file in files(__package__).iterdir()
        if file.name.endswith(".json")
    ]
    for template in found:
        check_template(template)
        OptionsSchema.model_validate(template.options)
    found.sort(key=lambda template: (template.name != "default", template.name))
    return MappingProxyType({template.name: template for template in found})


BUILTIN = read_templates()


def default_heads() -> tuple[tuple[Message, ...], ...]:
    """What a chat begins with under each template that can be used without a value."""
    usable = [one for one in BUILTIN.values() if not any(v.required for v in one.variables)]
    return tuple(render(template, {}).head for template in usable)
