"""Schemas as tables: a field, its type and limits in short, and what it is for."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.docs.reference.words import Words, told

Schema = Mapping[str, Any]
# Limits in JSON Schema's names, and how they are written; {} is the value.
LIMITS = {
    "minimum": "≥ {}",
    "ge": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "le": "≤ {}",
    "exclusiveMaximum": "< {}",
    "pattern": "`{}`",
}
COUNTED = {
    ("minLength", "maxLength"): "characters",
    ("minItems", "maxItems"): "items",
    ("minProperties", "maxProperties"): "entries",
}


def table(schema: Schema, language: str, words: Words) -> list[str]:
    """The lines of a table of an object's fields."""
    lines = [f"| {words['field']} | {words['type']} | {words['limits']} | |", "|---|---|---|---|"]
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        mark = f" ({words['required']})" if name in required else ""
        cells = (
            f"`{name}`{mark}",
            type_of(field),
            limits_of(field, words),
            purpose(field, language),
        )
        lines.append(row(*cells))
    return lines


def row(*cells: str) -> str:
    """A line of a table; what would end a cell is escaped."""
    clean = (" ".join(cell.replace("|", "\\|").split()) for cell in cells)
    return "| " + " | ".join(clean) + " |"


def type_of(schema: Schema) -> str:
    """`string`, `integer or null`, `list of X`, a link to a schema, or the values it may have."""
    if "$ref" in schema:
        return _link(schema["$ref"])
    if "anyOf" in schema:
        return " / ".join(dict.fromkeys(type_of(option) for option in schema["anyOf"]))
    if "enum" in schema:
        return " ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    kind = str(schema.get("type", "JSON"))
    if kind == "array":
        return f"[{type_of(schema.get('items', {}))}]"
    values = schema.get("additionalProperties")
    if kind == "object" and isinstance(values, dict) and values:
        return f"{{{type_of(values)}}}"
    return kind


def _link(reference: str) -> str:
    name = reference.rpartition("/")[2]
    return f"[{name}](#{name.lower()})"


def limits_of(schema: Schema, words: Words) -> str:
    """All limits of a field, those of its options and its items too, and its default."""
    found = list(dict.fromkeys(_limits(schema, words)))
    if schema.get("default") is not None:
        found.append(f"{words['default']} `{_written(schema['default'])}`")
    return ", ".join(found)


def _limits(schema: Schema, words: Words) -> Iterator[str]:
    for name, form in LIMITS.items():
        if name in schema:
            yield form.format(_written(schema[name]))
    for (least, most), unit in COUNTED.items():
        if least in schema or most in schema:
            yield f"{_span(schema.get(least), schema.get(most))} {words[unit]}"
    for option in schema.get("anyOf", ()):
        yield from _limits(option, words)
    for inner in ("items", "additionalProperties"):
        if isinstance(schema.get(inner), dict):
            yield from (f"{words['each']} {limit}" for limit in _limits(schema[inner], words))


def _span(least: int | None, most: int | None) -> str:
    if most is None:
        return f"≥ {least}"
    return f"≤ {most}" if not least else f"{least}..{most}"


def _written(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def purpose(field: Schema, language: str) -> str:
    """What a field is for."""
    return told(str(field.get("description", "")), language)
