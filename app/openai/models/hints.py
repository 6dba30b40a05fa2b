"""Hints of OpenAI's clients that change no answer here: what to cache, and how soon to answer."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.v1.models.options import STRICT

Retention = Literal["in_memory", "in-memory", "24h"]
Tier = Literal["auto", "default", "flex", "scale", "priority", "fast"]


class CacheOptions(BaseModel):
    """Accepted; this server keeps what it can of every prompt."""

    model_config = STRICT

    mode: Literal["implicit", "explicit"] | None = None
    ttl: Annotated[str, Field(max_length=16)] | None = None


class CacheBreakpoint(BaseModel):
    """Accepted; see CacheOptions."""

    model_config = STRICT

    mode: Literal["explicit"]
