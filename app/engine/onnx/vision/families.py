"""Which architectures are known, by the `model_type` of config.json."""

from importlib import import_module

from app.engine.backends.base import LoadError
from app.engine.onnx.vision.family import Family
from app.engine.onnx.vision.idefics3 import Idefics3
from app.engine.onnx.vision.llava import Llava
from app.engine.onnx.vision.qwen_vl import QwenVl
from app.engine.spec import OnnxVisionSpec

KNOWN = (
    "hyperclovax_vlm",
    "hyperclovax_vision_v2",
    "vlm",
    "llava",
    "idefics3",
    "smolvlm",
    "qwen2_vl",
    "qwen2_5_vl",
)

# Those whose chat template has places for what was read in an image.
TAKE_HINTS = ("hyperclovax_vlm",)


def family(spec: OnnxVisionSpec, model: str, template: str = "") -> Family:
    """`template` is the model's chat template, "" for none.

    Raises LoadError for an architecture or a configuration that is not known.
    """
    match spec.family:
        case "llava":
            return Llava(spec)
        case "idefics3" | "smolvlm":
            return Idefics3(spec)
        case "qwen2_vl" | "qwen2_5_vl":
            return QwenVl(spec)
        case "hyperclovax_vision_v2" | "vlm":
            return QwenVl(spec, turns=False)
        case "hyperclovax_vlm":
            return _hyperclovax(spec, template)
        case _:
            known = ", ".join(KNOWN)
            raise LoadError("vision_family_unknown", model=model, family=spec.family, known=known)


def _hyperclovax(spec: OnnxVisionSpec, template: str) -> Family:
    """Its module is loaded only where it is needed."""
    module = import_module("app.engine.onnx.vision.hyperclovax")
    made: Family = module.family(spec, template)
    return made
