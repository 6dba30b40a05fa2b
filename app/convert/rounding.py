"""GPTQ: weights rounded to 4 bits column by column, each column's error made up for by those
that are still to come, in the measure of what the layer is given. Needs PyTorch.

Frantar et al., 2022 (arXiv 2210.17323); scales are searched for before, for every block.
"""

from typing import Any, Final

import torch
from msgspec import Struct

TOP: Final = 15
# Ranges to try, as parts of the block's own, and steps from the zero point that fits it.
SHRINK: Final = (1.05, 1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7)
SHIFT: Final = (-1, 0, 1)
# Numbers at a time, so that a search stays in the processor's cache.
PIECE: Final = 1 << 16
# Of the mean of the Hessian's diagonal, added to it.
DAMP: Final = 0.01
# Columns whose errors are passed on at once.
STEP: Final = 128
Tensor = Any


class Rounded(Struct, frozen=True):
    """`code` [rows, columns], `zero` and `scale` [rows, blocks], all in 32-bit floats."""

    code: Tensor
    scale: Tensor
    zero: Tensor

    @property
    def numbers(self) -> Tensor:
        by_block = self.code.unflatten(1, (self.scale.shape[1], -1))
        return ((by_block - self.zero[..., None]) * self.scale[..., None]).flatten(1)


def search(weight: Tensor, block: int) -> tuple[Tensor, Tensor]:
    """Scale and zero point of each block with the least squared error; [rows, blocks] both."""
    rows = max(1, PIECE // weight.shape[1])
    found = [_search(piece.unflatten(1, (-1, block))) for piece in weight.split(rows)]
    return torch.cat([scale for scale, _ in found]), torch.cat([zero for _, zero in found])


def _search(weight: Tensor) -> tuple[Tensor, Tensor]:
    low, high = weight.amin(-1).clamp(max=0), weight.amax(-1).clamp(min=0)
    scale, zero = torch.ones_like(low), torch.zeros_like(low)
    best = torch.zeros_like(low)
    for shrink in SHRINK:
        step = ((high - low) * (shrink / TOP)).clamp(min=1e-9)
        steps = (weight / step[..., None]).round_()
        for shift in SHIFT:
            at = ((-low * shrink / step).round() + shift).clamp(0, TOP)
            code = torch.minimum(torch.maximum(steps, -at[..., None]), (TOP - at)[..., None])
            along = (code * weight).sum(-1)
            # The best scale for these codes, and how much of the weights' square it explains.
            fitted = along / (code * code).sum(-1).clamp(min=1e-30)
            gain = along * fitted
            better = (gain > best) & (fitted > 0)
            best = torch.where(better, gain, best)
            scale = torch.where(better, fitted, scale)
            zero = torch.where(better, at, zero)
    return scale, zero


def nearest(weight: Tensor, block: int, top: int = 255) -> Rounded:
    """Rounded to nearest over each block's whole range: what 8 bits need. Whole blocks."""
    by_block = weight.unflatten(1, (-1, block))
    low, high = by_block.amin(-1).clamp(max=0), by_block.amax(-1).clamp(min=0)
    scale = ((high - low) / top).clamp(min=1e-9)
    zero = (-low / scale).round().clamp(0, top)
    code = ((by_block / scale[..., None]).round() + zero[..., None]).clamp(0, top)
    return Rounded(code.flatten(1), scale, zero)


def gptq(weight: Tensor, hessian: Tensor, block: int) -> Rounded:
    """`hessian` is the sum over tokens of input times input, [columns, columns].

    Columns are taken by what they carry, the largest first; groups are those of their places,
    so that the layout is the graph's. Columns must be whole blocks.
    """
    scale, zero = search(weight, block)
    order = hessian.diagonal().argsort(descending=True)
    factor = _factor(hessian[order][:, order])
    groups = (order // block).tolist()
    columns = weight.t()[order].contiguous()
    codes = torch.empty_like(columns)
    scales, zeros = scale.t().contiguous(), zero.t().contiguous()
    for start in range(0, len(columns), STEP):
        stop = min(start + STEP, len(columns))
        errors = torch.empty_like(columns[start:stop])
        for column in range(start, stop):
            step, at = scales[groups[column]], zeros[groups[column]]
            code = ((columns[column] / step).round_() + at).clamp_(0, TOP)
            error = (columns[column] - (code - at) * step) / factor[column, column]
            codes[column], errors[column - start] = code, error
            columns[column + 1 : stop] -= torch.outer(factor[column, column + 1 : stop], error)
        columns[stop:] -= factor[start:stop, stop:].t() @ errors
    return Rounded(codes[order.argsort()].t().contiguous(), scale, zero)


def _factor(hessian: Tensor) -> Tensor:
    """Upper Cholesky factor of the inverse, damped so that there is one."""
    damped = hessian.double()
    diagonal = damped.diagonal()
    mean = diagonal.mean()
    diagonal += DAMP * mean if mean > 0 else 1.0
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(damped))
    return torch.linalg.cholesky(inverse, upper=True).float()
