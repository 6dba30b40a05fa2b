"""timm 1.0.31's RegStage and Honeybee's C-Abstractor, restated in torch; names as in checkpoints.

`test_projector.py` compares it with outputs of timm itself, which are committed.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class _Convolution(nn.Module):
    """timm's ConvNormAct with LayerNormAct2d: no bias, epsilon 1e-5."""

    def __init__(self, inputs: int, outputs: int, size: int, groups: int, active: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, padding=size // 2, groups=groups, bias=False)
        self.bn = nn.LayerNorm(outputs, eps=1e-5)
        self.active = active

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn(self.conv(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return functional.silu(x) if self.active else x


class _Excitation(nn.Module):
    def __init__(self, channels: int, reduced: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, reduced, 1)
        self.fc2 = nn.Conv2d(reduced, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.fc2(functional.silu(self.fc1(x.mean((2, 3), keepdim=True))))
        return x * gate.sigmoid()


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = _Convolution(inputs, outputs, 1, 1, active=True)
        self.conv2 = _Convolution(outputs, outputs, 3, outputs, active=True)
        self.se = _Excitation(outputs, round(inputs * 0.25))
        self.conv3 = _Convolution(outputs, outputs, 1, 1, active=False)
        self.downsample: nn.Module = nn.Identity()
        if inputs != outputs:
            self.downsample = _Convolution(inputs, outputs, 1, 1, active=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv3(self.se(self.conv2(self.conv1(x))))
        return functional.silu(y + self.downsample(x))


class RegStage(nn.Sequential):
    def __init__(self, depth: int, inputs: int, outputs: int) -> None:
        super().__init__()
        for index in range(depth):
            self.add_module(f"b{index + 1}", _Block(inputs if index == 0 else outputs, outputs))


class CAbstractor(nn.Module):
    """`stage` makes the two stages: the one above, or timm's."""

    def __init__(
        self,
        tokens: int,
        width: int,
        hidden: int,
        output: int,
        queries: int,
        prenorm: bool = False,
        stage: Any = RegStage,
    ) -> None:
        super().__init__()
        self.pos_emb = nn.Parameter(torch.randn(1, tokens, width) * 0.02)
        if prenorm:
            self.prenorm = nn.LayerNorm(width, eps=1e-6)
        side = int(queries**0.5)
        self.net = nn.Sequential(
            stage(3, width, hidden), nn.AdaptiveAvgPool2d((side, side)), stage(3, hidden, hidden)
        )
        self.readout = nn.Sequential(
            nn.Linear(hidden, output), nn.SiLU(), nn.Linear(output, output)
        )

    def forward(self, x: Tensor) -> Tensor:
        if hasattr(self, "prenorm"):
            x = self.prenorm(x)
        x = x + self.pos_emb
        batch, tokens, width = x.shape
        side = int(tokens**0.5)
        x = self.net(x.transpose(1, 2).reshape(batch, width, side, side))
        readout: Tensor = self.readout(x.flatten(2).transpose(1, 2))
        return readout


def shake(module: nn.Module) -> nn.Module:
    """Norms and biases away from one and zero, so that each of them counts."""
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter) * 0.2)
    return module.eval()
