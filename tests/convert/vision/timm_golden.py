"""Makes goldens/cabstractor-*.npz with timm's own RegStage. By hand, since timm wants torchvision:
`pip download timm==1.0.31 --no-deps`, unpack it, `python -m tests.convert.vision.timm_golden DIR`.
"""

import sys
import types
from functools import partial
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from tests.convert.vision.regstage import CAbstractor, shake

GOLDENS: Final = Path(__file__).parent / "goldens"
# Rows and columns that the pool does not divide; and a stage that changes the width.
CASES: Final[dict[str, dict[str, Any]]] = {
    "7to3": {"tokens": 49, "width": 16, "hidden": 16, "output": 24, "queries": 9},
    "9to4": {
        "tokens": 81,
        "width": 16,
        "hidden": 24,
        "output": 20,
        "queries": 16,
        "prenorm": True,
    },
}
# What regnet.py takes from its neighbours and no stage uses.
_UNUSED: Final = {
    "timm.models._builder": ["build_model_with_cfg"],
    "timm.models._features": ["feature_take_indices"],
    "timm.models._manipulate": ["checkpoint_seq", "named_apply"],
    "timm.models._registry": [
        *("generate_default_cfgs", "register_model", "register_model_deprecations")
    ],
    "timm.data": [
        *("IMAGENET_DEFAULT_MEAN", "IMAGENET_DEFAULT_STD"),
        *("IMAGENET_INCEPTION_MEAN", "IMAGENET_INCEPTION_STD"),
    ],
    "torchvision": [],
    "torchvision.ops": [],
    "torchvision.ops.misc": ["FrozenBatchNorm2d"],
    "torchvision.models": [],
    "torchvision.models.feature_extraction": ["create_feature_extractor", "get_graph_node_names"],
}


def _stand_in(name: str, names: list[str], path: str | None = None) -> None:
    module = types.ModuleType(name)
    module.__spec__ = ModuleSpec(name, None, is_package=True)
    module.__path__ = [path] if path else []
    for each in names:
        setattr(module, each, lambda *given, **_: given[0] if given else None)
    sys.modules[name] = module


def timm_stage(folder: Path) -> Any:
    """timm's RegStage as the model uses it, imported without torchvision."""
    for name, names in _UNUSED.items():
        _stand_in(name, names)
    for name in ("timm", "timm.models"):
        _stand_in(name, [], str(folder / name.replace(".", "/")))
    sys.path.insert(0, str(folder))
    from timm.layers import LayerNorm2d
    from timm.models.regnet import RegStage

    return partial(RegStage, stride=1, dilation=1, act_layer=torch.nn.SiLU, norm_layer=LayerNorm2d)


def main() -> None:
    stage = timm_stage(Path(sys.argv[1]))
    for name, case in CASES.items():
        torch.manual_seed(20260101)
        module = shake(CAbstractor(**case, stage=stage))
        x = torch.randn(2, case["tokens"], case["width"])
        with torch.no_grad():
            y = module(x)
        weights = {f"mm_projector.{key}": value for key, value in module.state_dict().items()}
        arrays = {key: value.numpy() for key, value in {**weights, "x": x, "y": y}.items()}
        np.savez_compressed(GOLDENS / f"cabstractor-{name}.npz", **arrays)


if __name__ == "__main__":
    main()
