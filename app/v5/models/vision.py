"""A message with images, the answer to it, and what the model that sees is."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from app.database.records import StoredImage
from app.domain.model_info import ModelStatus
from app.v1.models.messages import SaidText
from app.v1.models.options import STRICT
from app.v4.models.chat import ConversationChatRequest, ConversationChatResponse
from app.v5.config import LONGEST_FILE_NAME, LONGEST_HINT, MOST_SOURCES
from app.v5.form_values import ABOUT, FILES

Hint = Annotated[str, Field(max_length=LONGEST_HINT)]
FORM_NOTE = (
    "Numbers and objects are written as in JSON; `stop`, `image` and the texts of images may come "
    "often. An `images` field, as in JSON, may bring images that are kept already: they come first."
)
ABOUT_FILES = " The first is the first `image` file's, and so on; an empty one is none."
EXAMPLES: list[JsonValue] = [
    {
        "message": "What is in this picture?",
        "images": [{"data": "data:image/png;base64,iVBORw0KGgo…"}],
    },
    {"conversation_id": "conv_5f2b9c1d3e4a5b6c7d8e9f0a1b2c3d4e", "message": "그 옆에는?"},
]


class ImageSource(BaseModel):
    """An image: its file, or where it is. Exactly one of `data`, `url` and `id`."""

    model_config = STRICT

    data: str | None = Field(
        default=None,
        min_length=1,
        description="The file as base64, or as a `data:` URL. Its own first bytes decide what it "
        "is: PNG, JPEG, WebP or GIF (the first frame).",
        examples=["iVBORw0KGgo…"],
    )
    url: str | None = Field(
        default=None,
        min_length=1,
        max_length=2048,
        description="Where to fetch it; only from hosts that IMAGE_URL_HOSTS lists.",
        examples=["https://images.example.com/cat.jpg"],
    )
    id: str | None = Field(
        default=None,
        min_length=1,
        max_length=64,
        description="An image of yours that is kept already. The new message gets it under an id "
        "of its own.",
        examples=["img_0a1b2c3d4e5f60718293a4b5c6d7e8f9"],
    )
    filename: Annotated[str, Field(max_length=LONGEST_FILE_NAME)] = Field(
        default="", description="Its name, for models whose prompt has a place for it."
    )
    ocr: Hint = Field(
        default="",
        description="Text that was read in it elsewhere. Models without a place for it in their "
        "prompt are told it in words.",
    )
    lens_keywords: Hint = Field(
        default="", description="HyperCLOVA X Vision's keywords of the whole image, with boxes."
    )
    lens_local_keywords: Hint = Field(
        default="", description="HyperCLOVA X Vision's keywords of parts of it, with boxes."
    )

    @model_validator(mode="after")
    def check_one(self) -> Self:
        """One place to take it from."""
        if sum(place is not None for place in (self.data, self.url, self.id)) != 1:
            raise PydanticCustomError("image_source", "exactly one of data, url and id")
        return self


class VisionChatRequest(ConversationChatRequest):
    """A message with images in a conversation, new or old; a follow-up needs none again."""

    model_config = STRICT | ConfigDict(json_schema_extra={"examples": EXAMPLES})

    message: SaidText = Field(description="The new message.", examples=["What is in this picture?"])
    images: Annotated[list[ImageSource], Field(max_length=MOST_SOURCES)] | None = Field(
        default=None,
        description="What the message shows, at most MAX_IMAGES; images of earlier messages need "
        "not be sent again.",
    )


class ImageSchema(BaseModel):
    """An image of the message, as it is kept."""

    id: str = Field(examples=["img_0a1b2c3d4e5f60718293a4b5c6d7e8f9"])
    width: int = Field(description="In pixels, upright.", examples=[640])
    height: int = Field(description="In pixels, upright.", examples=[480])
    media_type: str = Field(description="Of the file that came.", examples=["image/jpeg"])
    tokens: int = Field(description="Prompt tokens that it takes.", examples=[347])
    sha256: str = Field(description="Of its size and pixels; equal pictures have equal ones.")

    @classmethod
    def of(cls, image: StoredImage) -> Self:
        """The same as a schema."""
        return cls(
            id=image.id,
            width=image.width,
            height=image.height,
            media_type=image.media_type,
            tokens=image.tokens,
            sha256=image.sha256,
        )


class VisionChatResponse(ConversationChatResponse):
    """The model's whole answer, and the images of the message that it answers."""

    images: list[ImageSchema] = Field(description="Of this message, in the order they came.")


class TokensSchema(BaseModel):
    """How many prompt tokens an image takes."""

    min: int = Field(examples=[171])
    max: int = Field(examples=[837])


class SightSchema(BaseModel):
    """What images this server takes, and what the model makes of them (null: not loaded)."""

    formats: list[str] = Field(examples=[["image/png"]])
    max_images: int = Field(description="Of one message.")
    max_bytes: int = Field(description="Of one file.")
    max_pixels: int = Field(description="Of one image.")
    tokens_per_image: TokensSchema | None = Field(description="Of its prompt.")
    patch_size: int | None = Field(description="In pixels.")
    image_size: int | None = Field(
        description="Side in pixels of what its encoder takes at once; 0: it varies."
    )


class VisionInfoResponse(BaseModel):
    """The model that sees, as it is loaded; where it is not, its facts are null."""

    status: ModelStatus = Field(description="As in /health.")
    id: str | None = Field(description="What `model` in a request may say.")
    architecture: str | None = Field(description="As its own files name it.")
    format: Literal["gguf", "onnx", "scripted"] | None = Field(description="Of its files.")
    parameters: int | None = Field(description="How many weights it has.")
    context_length: int | None = Field(description="Tokens of a request, images included.")
    image: SightSchema
    device: str | None = Field(description="`cpu`, or the name of a GPU.")
    files: list[str] = Field(description="Names, without folders.")
    license: str | None = Field(description="Of the weights, where their files tell it.")
    reason: str | None = Field(description="Why it is not ready and what to do, in plain words.")


def form_schema() -> dict[str, Any]:
    """For OpenAPI: the same request as a form, whose fields FastAPI cannot know."""
    fields = VisionChatRequest.model_json_schema()["properties"]
    texts = {
        name: {"type": "string", "description": told.get("description", "")}
        for name, told in fields.items()
        if name != "images"
    }
    properties = texts | {
        "stop": _many(fields["stop"]["description"]),
        FILES: _many(fields["images"]["description"], format="binary"),
    }
    for name in ABOUT:
        told = ImageSource.model_fields[name].description or ""
        properties[name] = _many(told + ABOUT_FILES)
    schema = {"type": "object", "required": ["message"], "properties": properties}
    return {"multipart/form-data": {"schema": schema | {"description": FORM_NOTE}}}


def _many(description: str, **more: str) -> dict[str, Any]:
    items = {"type": "string"} | more
    return {"type": "array", "items": items, "description": description}
