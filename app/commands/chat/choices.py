"""What a chat is told before it asks: generation options, and a template with its variables."""

import json
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from rich.console import Console

from app.commands.chat.screen import clean
from app.commands.chat.session import API
from app.commands.chat.told import CommandError
from app.commands.client import Client
from app.commands.output import plain_table
from app.commands.words import language, say


def option_names() -> tuple[str, ...]:
    """Those that any chat route takes."""
    # Late: the schemas bring their routes along, which a first question need not wait for.
    from app.v1.models.options import OptionsSchema

    return tuple(OptionsSchema.model_fields)


def set_option(options: dict[str, Any], name: str, text: str) -> None:
    """Set an option, or with no text take it back. Raises CommandError for one that the server
    would refuse."""
    from app.v1.models.options import OptionsSchema
    from app.validation_errors import reason_of

    if name not in option_names():
        known = ", ".join(option_names())
        raise CommandError(say("chat_option_unknown", name=name[:40], known=known))
    if not text:
        options.pop(name, None)
        return
    value = _value(name, text)
    try:
        OptionsSchema.model_validate({name: value})
    except ValidationError as error:
        reason = reason_of(error.errors(include_url=False, include_input=False)[0], language())
        raise CommandError(f"{name}: {reason}") from None
    options[name] = value


def _value(name: str, text: str) -> Any:
    """Written as in JSON; a word that is none is itself, and `stop` may be a single one."""
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    return [value] if name == "stop" and isinstance(value, str) else value


def names(client: Client) -> list[str]:
    """Of every template that the server has."""
    page = client.get(f"{API}/prompt/templates", page_size=100)
    return [each["name"] for each in page["items"]]


def show_templates(client: Client, console: Console) -> None:
    page = client.get(f"{API}/prompt/templates", page_size=100)
    table = plain_table()
    for each in page["items"]:
        table.add_row(clean(each["name"]), clean(each["description"]))
    console.print(table)
    console.print(say("chat_template_usage"), style="dim")


def template(
    client: Client, ask: Callable[[str, str], str], name: str
) -> tuple[str, dict[str, Any]]:
    """Its name, and a value for each variable that was not left at its default."""
    found = client.get(f"{API}/prompt/templates/{_segment(name)}")
    variables = {}
    for variable in found["variables"]:
        answer = _asked(variable, ask)
        if answer is not None:
            variables[variable["name"]] = answer
    return found["name"], variables


def _segment(name: str) -> str:
    if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
        raise CommandError(say("chat_template_usage"))
    return name


def _asked(variable: dict[str, Any], ask: Callable[[str, str], str]) -> Any:
    """Until it is of the variable's type; None leaves it at its default."""
    default = "" if variable["default"] is None else str(variable["default"])
    allowed = f" ({' | '.join(variable['values'])})" if variable["values"] else ""
    question = f"{variable['name']}: {clean(variable['description'])}{allowed}"
    while True:
        text = ask(question, default).strip()
        if not text and not variable["required"]:
            return None
        value = _typed(variable, text)
        if value is not None:
            return value


def _typed(variable: dict[str, Any], text: str) -> Any:
    """None for what is not of the variable's type."""
    match variable["type"]:
        case "number":
            try:
                return int(text) if text.lstrip("+-").isdigit() else float(text)
            except ValueError:
                return None
        case "boolean":
            return {"true": True, "yes": True, "false": False, "no": False}.get(text.lower())
        case "enum":
            return text if text in variable["values"] else None
    return text or None
