"""The models as `GET /v1/models` lists them."""

from typing import Literal

from pydantic import BaseModel, Field


class ModelSchema(BaseModel):
    """A model that answers."""

    id: str = Field(examples=["smollm2-135m-instruct"])
    object: Literal["model"] = "model"
    created: int = Field(default=0, description="Weights do not say; always 0.")
    owned_by: str = "sllm"


class ModelList(BaseModel):
    """Every model that answers."""

    object: Literal["list"] = "list"
    data: list[ModelSchema]
