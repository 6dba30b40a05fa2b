"""Messages with images for HyperCLOVA X Vision's chat templates, of both generations and none."""

from typing import Any

import pytest

from app.domain.messages import Message, Picture
from app.engine.backends.base import LoadError
from app.engine.onnx.chat_template import ChatTemplate
from app.engine.onnx.vision.hyperclovax import HyperClovaX
from tests.engine.onnx.vision.test_hyperclovax import CONFIG, PREPROCESSOR

# What the templates write, as far as it is known; how they are told it has changed.
IMAGE = (
    "{{ '<|im_start|>' + role + ' (mime)\n{\"filename\": \"' + part.filename + '\"}<|im_end|>\n' }}"
    "{{ '<|im_start|>' + role + ' (vector)\n<|dummy3|><|im_end|>\n' }}"
    "{{ '<|im_start|>image/aux\n' + part.ocr + part.lens_keywords + part.lens_local_keywords }}"
    "{{ '<|im_end|>\n' }}"
)
TEXT = "{{ '<|im_start|>' + role + '\n' + text + '<|im_end|>\n' }}"
END = "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
LISTS = (
    "{% for message in messages %}{% set role = message.role %}{% for part in message.content %}"
    "{% if part.type == 'image' %}" + IMAGE + "{% else %}{% set text = part.text %}" + TEXT +
    "{% endif %}{% endfor %}{% endfor %}" + END
)  # fmt: skip
TEXTS_AND_LISTS = (
    "{% for message in messages %}{% set role = message.role %}{% if message.content is string %}"
    "{% set text = message.content %}" + TEXT + "{% elif role != 'user' %}"
    "{{ raise_exception('only users have parts') }}{% else %}{% for part in message.content %}"
    "{% if part.type == 'image' %}" + IMAGE + "{% else %}{% set text = part.text %}" + TEXT +
    "{% endif %}{% endfor %}{% endif %}{% endfor %}" + END
)  # fmt: skip
SINGLE = (
    "{% for message in messages %}{% set role = message.role %}{% set part = message.content %}"
    "{% if part.type == 'image' %}" + IMAGE + "{% else %}{% set text = part.text %}" + TEXT +
    "{% endif %}{% endfor %}" + END
)  # fmt: skip
SINGLE_IMAGES = (
    "{% for message in messages %}{% set role = message.role %}{% set part = message.content %}"
    "{% if part is mapping %}" + IMAGE + "{% else %}{% set text = part %}" + TEXT +
    "{% endif %}{% endfor %}" + END
)  # fmt: skip


def picture(**texts: str) -> Picture:
    return Picture(file="/x.png", sha256="0", width=1, height=1, **texts)


def rendered(template: str, messages: list[Message], **config: Any) -> str:
    family = HyperClovaX({**CONFIG, **config}, PREPROCESSOR, template)
    chosen = template or family.fallback_template()
    return ChatTemplate(chosen, {}, "model").render(family.contents(messages))


CONVERSATION = [
    Message("system", "짧게 답하세요."),
    Message("user", "무엇인가요?", (picture(filename="a.png", ocr="네이버"), picture())),
    Message("assistant", "고양이입니다."),
    Message("user", "색은요?"),
]
EXPECTED = (
    "<|im_start|>system\n짧게 답하세요.<|im_end|>\n"
    '<|im_start|>user (mime)\n{"filename": "a.png"}<|im_end|>\n'
    "<|im_start|>user (vector)\n<|dummy3|><|im_end|>\n"
    "<|im_start|>image/aux\n네이버<|im_end|>\n"
    '<|im_start|>user (mime)\n{"filename": ""}<|im_end|>\n'
    "<|im_start|>user (vector)\n<|dummy3|><|im_end|>\n"
    "<|im_start|>image/aux\n<|im_end|>\n"
    "<|im_start|>user\n무엇인가요?<|im_end|>\n"
    "<|im_start|>assistant\n고양이입니다.<|im_end|>\n"
    "<|im_start|>user\n색은요?<|im_end|>\n"
    "<|im_start|>assistant\n"
)


@pytest.mark.parametrize("template", [LISTS, TEXTS_AND_LISTS, SINGLE, SINGLE_IMAGES])
def test_templates_of_every_form_say_the_same(template: str) -> None:
    assert rendered(template, CONVERSATION) == EXPECTED


def test_without_a_template_there_is_what_the_model_s_code_writes() -> None:
    seen = picture(filename='a "b".png', ocr="A<B", lens_keywords="고양이", lens_local_keywords="x")
    assert rendered("", [Message("user", "Q", (seen,))]) == (
        '<|im_start|>user (mime)\n{"type": "image/jpeg", "filename": "a \\"b\\".png"}<|im_end|>\n'
        "<|im_start|>user (vector)\n<|dummy3|><|im_end|>\n<|im_start|>image/aux\n"
        "다음 중 ocr은 사진에서 검출된 글자이고, "
        "lens_keyword는 사진에서 추출된 keyword와 bbox 위치입니다. "
        "bbox는 0~1 사이로 정규화된 [x1, y1, x2, y2]의 형태입니다. 참고하여 답변하세요. "
        '{"ocr": "A<B", "lens_keywords": "고양이", "lens_local_keywords": "x"}<|im_end|>\n'
        "<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\n"
    )


def test_the_place_of_an_image_is_what_the_files_call_it() -> None:
    template = LISTS.replace("<|dummy3|>", "<|IMAGE_PAD|>")
    text = rendered(template, CONVERSATION, image_token="<|IMAGE_PAD|>")
    assert text == EXPECTED.replace("<|dummy3|>", "<|IMAGE_PAD|>")
    text = rendered("", CONVERSATION, image_token="<|IMAGE_PAD|>")
    assert (text.count("<|IMAGE_PAD|>"), text.count("<|dummy3|>")) == (2, 0)


@pytest.mark.parametrize("template", [SINGLE.replace("<|dummy3|>", ""), TEXT, "{{ 1 / 0 }}"])
def test_a_template_without_a_place_for_images_is_refused(template: str) -> None:
    with pytest.raises(LoadError, match="onnx_chat_template"):
        HyperClovaX(CONFIG, PREPROCESSOR, template)
