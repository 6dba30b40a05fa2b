"""How lists are asked for in pages: `?page=` and `?page_size=`, and what comes with the items."""

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

LARGEST_PAGE = 1_000_000


def check_digits(value: object) -> object:
    """Plain digits only: pydantic alone would take `1_0`, ` 1` and `1.0`, too."""
    if isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,9}", value):
        raise PydanticCustomError("int_parsing", "a whole number")
    return value


Number = Annotated[int, BeforeValidator(check_digits)]


class PageQuery(BaseModel):
    """The query parameters of every list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    page: Number = Field(default=1, ge=1, le=LARGEST_PAGE, description="Counts from 1.")
    page_size: Number | None = Field(
        default=None, ge=1, le=100, description="Default: the server's PAGE_SIZE."
    )


class PageSchema(BaseModel):
    """What every list tells beside its items."""

    total: int = Field(description="Items on all pages.", examples=[5])
    page: int = Field(description="This page.", examples=[1])
    page_size: int = Field(description="Items on a full page.", examples=[20])
    pages: int = Field(description="How many pages there are; 0 when there is nothing.")
