"""The body of `POST /v1/embeddings`."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, Tag

from app.openai.models.kinds import text_or_list
from app.v1.models.messages import Text
from app.v1.models.options import STRICT

Inputs = Annotated[
    Annotated[Text, Tag("@text")]
    | Annotated[
        list[Text | int | list[int]],
        Field(min_length=1, max_length=2048, fail_fast=True),
        Tag("@list"),
    ],
    text_or_list(),
]


class EmbeddingsRequest(BaseModel):
    """Texts to be turned into vectors."""

    model_config = STRICT

    model: str = Field(min_length=1, max_length=256)
    input: Inputs
    dimensions: int | None = Field(default=None, ge=1)
    encoding_format: Literal["float", "base64"] | None = None
    user: Annotated[str, Field(max_length=512)] | None = None
