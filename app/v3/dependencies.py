"""What v3's routes ask for: the templates, and the language to tell of them in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import Depends, Response
from fastapi.exceptions import RequestValidationError

from app.dependencies import DatabaseDep, LanguageDep, OwnerDep
from app.domain.prompt_templates import TemplateError
from app.v3.prompts import BUILTIN
from app.v3.services.prompt_service import PromptService


async def get_prompt_service(database: DatabaseDep, owner: OwnerDep) -> PromptService:
    return PromptService(BUILTIN, database, owner)


async def get_told_language(language: LanguageDep, response: Response) -> str:
    """The caller's language, for an answer whose own texts follow Accept-Language."""
    response.headers["Content-Language"] = language
    response.headers.append("Vary", "Accept-Language")
    return language


PromptServiceDep = Annotated[PromptService, Depends(get_prompt_service)]
ToldLanguageDep = Annotated[str, Depends(get_told_language)]


@contextmanager
def naming_fields() -> Iterator[None]:
    """Answer a TemplateError as a body that does not fit its schema is answered (422)."""
    try:
        yield
    except TemplateError as error:
        problems = [
            {"loc": ("body", *problem.field), "type": problem.kind, "ctx": problem.values}
            for problem in error.problems
        ]
        raise RequestValidationError(problems) from error
