"""The page of one version: its routes, their examples, its schemas, its errors."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.docs.documents import METHODS
from app.docs.error_responses import ErrorResponse
from app.docs.examples.exchange import Exchange
from app.docs.reference.example_blocks import blocks
from app.docs.reference.schema_tables import limits_of, purpose, row, table, type_of
from app.docs.reference.words import Words, told, words
from app.domain.errors import STATUS
from app.i18n import translate

Document = Mapping[str, Any]
LANGUAGES = ("en", "ko")


def page_name(version: str, language: str) -> str:
    """`v4.md`, `v4.ko.md`."""
    return f"{version}.md" if language == "en" else f"{version}.{language}.md"


def reference(document: Document, exchanges: list[Exchange], language: str) -> str:
    """The whole page as Markdown; the same document and examples give the same page."""
    page = Page(document, exchanges, language)
    return "\n".join(page.lines()) + "\n"


class Page:
    """One version in one language."""

    def __init__(self, document: Document, exchanges: list[Exchange], language: str) -> None:
        self.document = document
        self.exchanges = exchanges
        self.language = language
        self.words: Words = words(language)

    def lines(self) -> Iterator[str]:
        """Line by line."""
        yield from self._head()
        yield from ("", f"## {self.words['routes']}", "")
        yield from self._overview()
        for method, path, operation in self._operations():
            yield from self._operation(method, path, operation)
        yield from ("", f"## {self.words['schemas']}")
        for name, schema in self.document["components"]["schemas"].items():
            yield from self._schema(name, schema)
        yield from ("", f"## {self.words['errors']}", "", self.words["errors_text"], "")
        yield from self._errors()

    def _head(self) -> Iterator[str]:
        info = self.document["info"]
        version = info["version"]
        other = next(language for language in LANGUAGES if language != self.language)
        yield f"# {info['title']}"
        yield ""
        yield told(info["summary"], self.language) + "."
        yield ""
        yield told(info["description"], self.language)
        yield ""
        yield self.words["made"]
        yield (
            f"[{words(other)['language']}]({page_name(version, other)}) · "
            f"[OpenAPI]({version}.openapi.json) · [Swagger UI, ReDoc](site/index.html)"
        )

    def _operations(self) -> Iterator[tuple[str, str, Document]]:
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    yield method.upper(), path, item[method]

    def _overview(self) -> Iterator[str]:
        yield f"| {self.words['route']} | |"
        yield "|---|---|"
        for method, path, operation in self._operations():
            link = f"[`{method} {path}`](#{_anchor(method, path)})"
            yield row(link, told(operation["summary"], self.language))

    def _operation(self, method: str, path: str, operation: Document) -> Iterator[str]:
        yield from ("", f"### {method} {path}", "")
        yield f"**{told(operation['summary'], self.language)}.**"
        yield told(operation["description"], self.language)
        yield from self._parameters(operation)
        yield from self._body(operation)
        yield from self._answers(operation)
        for exchange in self.exchanges:
            if (exchange.method, exchange.route) == (method, path):
                yield from blocks(exchange, told(exchange.title, self.language))

    def _parameters(self, operation: Document) -> Iterator[str]:
        parameters = operation.get("parameters", ())
        if parameters:
            head = (self.words[name] for name in ("parameter", "place", "type", "limits"))
            yield from ("", row(*head, ""), "|---|---|---|---|---|")
        for each in parameters:
            mark = f" ({self.words['required']})" if each.get("required") else ""
            yield row(
                f"`{each['name']}`{mark}",
                self.words[f"in_{each['in']}"],
                type_of(each["schema"]),
                limits_of(each["schema"], self.words),
                purpose(each, self.language),
            )

    def _body(self, operation: Document) -> Iterator[str]:
        if "requestBody" not in operation:
            return
        body = operation["requestBody"]
        kinds = (
            f"`{kind}` {type_of(content.get('schema', {}))}"
            for kind, content in body["content"].items()
        )
        yield from ("", f"{self.words['body']}: " + ", ".join(kinds))
        inline = (content.get("schema", {}) for content in body["content"].values())
        for described in (body, *inline):
            if "description" in described:
                yield from ("", told(described["description"], self.language))

    def _answers(self, operation: Document) -> Iterator[str]:
        errors = []
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                codes = (line.split("`")[1] for line in answer["description"].splitlines())
                errors += [f"`{code}`" for code in codes]
                continue
            kinds = ", ".join(
                f"`{kind}` {type_of(content.get('schema', {}))}"
                for kind, content in answer.get("content", {}).items()
            )
            yield from ("", f"{self.words['answer']} {status}: {kinds or self.words['nothing']}")
            if answer["description"] != "Successful Response":
                yield from ("", told(answer["description"], self.language))
        yield from ("", f"{self.words['errors']}: " + ", ".join(errors))

    def _schema(self, name: str, schema: Document) -> Iterator[str]:
        yield from ("", f"### {name}", "")
        yield told(schema.get("description", ""), self.language)
        if schema.get("properties"):
            yield from ("", *table(schema, self.language, self.words))

    def _errors(self) -> Iterator[str]:
        assert ErrorResponse.__name__ in self.document["components"]["schemas"]
        yield f"| {self.words['status']} | `code` | |"
        yield "|---|---|---|"
        for code, status in sorted(STATUS.items(), key=lambda entry: (entry[1], entry[0])):
            yield row(str(status), f"`{code}`", translate(code, self.language))


def _anchor(method: str, path: str) -> str:
    """The name that Markdown readers give to the heading of a route."""
    kept = (letter for letter in f"{method} {path}".lower() if letter.isalnum() or letter in " _-")
    return "".join(kept).replace(" ", "-")
