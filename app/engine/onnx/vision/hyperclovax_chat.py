"""Messages with images as HyperCLOVA X Vision's chat templates take them.

The templates have changed: some want one part for each message, some a list of parts. Which one
it is shows in what a template makes of a trial.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from app.domain.messages import Message, Picture
from app.engine.backends.base import LoadError
from app.engine.backends.chat_prompt import TemplateRefused
from app.engine.onnx.chat_template import ChatTemplate

Parts = Iterable[dict[str, Any]]
Style = Callable[[list[Message]], Parts]
# The image's place in the templates and tokenizers that are known (`image_token_id`).
PLACEHOLDER: Final = "<|dummy3|>"
# For folders without a template: what the model's own code writes around an image.
FALLBACK: Final = """\
{%- for message in messages -%}
{%- for part in message['content'] -%}
{%- if part['type'] == 'image' -%}
{{ '<|im_start|>user (mime)\n{"type": "image/jpeg", "filename": ' + part['filename'] | tojson \
+ '}<|im_end|>\n<|im_start|>user (vector)\n<|dummy3|><|im_end|>\n<|im_start|>image/aux\n' \
+ '다음 중 ocr은 사진에서 검출된 글자이고, ' \
+ 'lens_keyword는 사진에서 추출된 keyword와 bbox 위치입니다. ' \
+ 'bbox는 0~1 사이로 정규화된 [x1, y1, x2, y2]의 형태입니다. 참고하여 답변하세요. ' \
+ '{"ocr": ' + part['ocr'] | tojson + ', "lens_keywords": ' + part['lens_keywords'] | tojson \
+ ', "lens_local_keywords": ' + part['lens_local_keywords'] | tojson + '}<|im_end|>\n' }}
{%- else -%}
{{ '<|im_start|>' + message['role'] + '\n' + part['text'] + '<|im_end|>\n' }}
{%- endif -%}
{%- endfor -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}
"""
_WORDS: Final = ("sllmsystem", "sllmquestion", "sllmanswer", "sllmagain")


def lists(messages: list[Message]) -> Parts:
    """A list of parts for every message: since July 2025."""
    for message in messages:
        yield {"role": message.role, "content": [*_images(message), _text(message)]}


def plain_texts(messages: list[Message]) -> Parts:
    """A list of parts for messages with images, texts for the others."""
    for message in messages:
        parts = [*_images(message), _text(message)]
        yield {"role": message.role, "content": parts if message.images else message.content}


def single_parts(messages: list[Message]) -> Parts:
    """A message for each part: v0.1.0."""
    for message in messages:
        for part in (*_images(message), _text(message)):
            yield {"role": message.role, "content": part}


def single_images(messages: list[Message]) -> Parts:
    """A message for each image, and texts."""
    for message in messages:
        yield from ({"role": message.role, "content": part} for part in _images(message))
        yield {"role": message.role, "content": message.content}


STYLES: Final[tuple[Style, ...]] = (lists, plain_texts, single_parts, single_images)


def _images(message: Message) -> Parts:
    for picture in message.images:
        yield {
            "type": "image",
            "image": picture.filename,
            "filename": picture.filename,
            "ocr": picture.ocr,
            "lens_keywords": picture.lens_keywords,
            "lens_local_keywords": picture.lens_local_keywords,
        }


def _text(message: Message) -> dict[str, Any]:
    return {"type": "text", "text": message.content}


def style_of(template: str, placeholder: str) -> Style:
    """The first of STYLES that the template understands: every text once, in order, and one
    place for one image. Raises LoadError when it understands none."""
    compiled = ChatTemplate(template, {}, "hyperclovax_vlm")
    for style in STYLES:
        if _understands(compiled, style, placeholder):
            return style
    raise LoadError(
        "onnx_chat_template", model="hyperclovax_vlm", reason="it has no place for an image"
    )


def _understands(template: ChatTemplate, style: Style, placeholder: str) -> bool:
    first, question, answer, again = _WORDS
    picture = Picture(file="", sha256="", width=1, height=1, filename="sllm.png")
    messages = [
        Message("system", first),
        Message("user", question, (picture,)),
        Message("assistant", answer),
        Message("user", again),
    ]
    try:
        text = template.render(list(style(messages)))
    except TemplateRefused:
        return False
    places = [text.find(word) for word in _WORDS]
    whole = places == sorted(places) and all(text.count(word) == 1 for word in _WORDS)
    # A template that does not look into parts writes them as Python does.
    return whole and text.count(placeholder) == 1 and "'type':" not in text
