"""HyperCLOVA X Vision's image processor and its order of features, restated step by step on
arrays, as its own code and vLLM's do it. Nothing of app.engine is used.
"""

import math
from typing import Any

import numpy as np
from PIL import Image

Array = np.ndarray[Any, Any]


def possible_resolutions(most: int, grid: int, use_1x1_grid: bool) -> list[list[int]]:
    found = []
    for i in range(1, most + 1):
        for j in range(1, most + 1):
            if i == 1 and j == 1 and not use_1x1_grid:
                continue
            if i * j <= most:
                found.append([i * grid, j * grid])
    return found


def select_best_resolution(image_size: tuple[int, int], possible: list[list[int]]) -> list[int]:
    original_height, original_width = image_size
    best_fit: list[int] = []
    max_effective, min_wasted = 0, float("inf")
    for height, width in possible:
        scale = min(width / original_width, height / original_height)
        down_width, down_height = int(original_width * scale), int(original_height * scale)
        effective = min(down_width * down_height, original_width * original_height)
        wasted = width * height - effective
        if effective > max_effective or (effective == max_effective and wasted < min_wasted):
            max_effective, min_wasted, best_fit = effective, wasted, [height, width]
    return best_fit


def resize(image: Array, height: int, width: int) -> Array:
    resized = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
    return np.array(resized)


def pad(image: Array, height: int, width: int, mean: list[float]) -> Array:
    result = np.empty((height, width, 3), np.uint8)
    for channel in range(3):
        result[..., channel].fill(int(mean[channel] * 255))
    x, y = (width - image.shape[1]) // 2, (height - image.shape[0]) // 2
    result[y : y + image.shape[0], x : x + image.shape[1]] = image
    return result


def resize_longside(image: Array, size: int) -> Array:
    height, width = image.shape[:2]
    if width == height:
        return resize(image, size, size)
    if width > height:
        return resize(image, math.ceil(height / width * size), size)
    return resize(image, size, math.ceil(width / height * size))


def center_crop(image: Array, grid: int) -> Array:
    """Of an image whose shorter side is `grid`."""
    top, left = (image.shape[0] - grid) // 2, (image.shape[1] - grid) // 2
    return image[top : top + grid, left : left + grid]


def local_grids(image: Array, best: list[int], grid: int, mean: list[float]) -> list[Array]:
    (height, width), (target_height, target_width) = image.shape[:2], best
    scale_w, scale_h = target_width / width, target_height / height
    if scale_w < scale_h:
        new_width, new_height = target_width, min(math.ceil(height * scale_w), target_height)
    else:
        new_height, new_width = target_height, min(math.ceil(width * scale_h), target_width)
    padded = pad(resize(image, new_height, new_width), target_height, target_width, mean)
    return [
        padded[i : i + grid, j : j + grid]
        for i in range(0, target_height, grid)
        for j in range(0, target_width, grid)
    ]


def pixel_values(image: Array, settings: dict[str, Any]) -> Array:
    """`settings`: grid, mean, std, anyres, possible, pad_to_square."""
    grid, mean = settings["grid"], settings["mean"]
    if settings["pad_to_square"]:
        whole = pad(resize_longside(image, grid), grid, grid, mean)
    elif settings["anyres"]:
        whole = resize(image, grid, grid)
    else:
        height, width = image.shape[:2]
        short, long = min(height, width), max(height, width)
        longer = int(grid * long / short)
        sizes = (grid, longer) if height <= width and width != height else (longer, grid)
        whole = center_crop(resize(image, *sizes), grid)
    grids = [whole]
    if settings["anyres"]:
        best = select_best_resolution(image.shape[:2], settings["possible"])
        grids += local_grids(image, best, grid, mean)
    out = []
    for each in grids:
        scaled = (each.astype(np.float64) * (1 / 255)).astype(np.float32)
        normal = (scaled - np.array(mean, np.float32)) / np.array(settings["std"], np.float32)
        out.append(normal.transpose(2, 0, 1))
    return np.array(out)


def unpad_image(tensor: Array, original_size: tuple[int, int]) -> Array:
    """[channels, height, width], and the image's (width, height)."""
    original_width, original_height = original_size
    current_height, current_width = tensor.shape[1:]
    if original_width / original_height > current_width / current_height:
        new_height = int(original_height * (current_width / original_width))
        padding = (current_height - new_height) // 2
        return tensor[:, padding : current_height - padding, :]
    new_width = int(original_width * (current_height / original_height))
    padding = (current_width - new_width) // 2
    return tensor[:, :, padding : current_width - padding]


def reshape_and_unpad(
    features: Array, newline: Array, size: tuple[int, int], best: list[int], grid: int, unpad: bool
) -> Array:
    """[grids, side * side, width] to the rows that the language model sees; size (w, h)."""
    base, local = features[0], features[1:]
    side = int(base.shape[0] ** 0.5)
    down, across = best[0] // grid, best[1] // grid
    local = local.reshape(down, across, side, side, -1)
    if unpad:
        local = local.transpose(4, 0, 2, 1, 3)
        local = local.reshape(local.shape[0], down * side, across * side)
        local = unpad_image(local, size)
        column = np.broadcast_to(newline[:, None, None], (*local.shape[:-1], 1))
        local = np.concatenate([local, column], axis=-1)
        local = local.reshape(local.shape[0], -1).T
    else:
        local = local.transpose(0, 2, 1, 3, 4).reshape(-1, local.shape[-1])
    return np.concatenate([base, local])


def token_count(size: tuple[int, int], best: list[int], grid: int, side: int, unpad: bool) -> int:
    """Of an anyres image of (height, width), by the processor's formula."""
    rows, columns = best[0] // grid * side, best[1] // grid * side
    if not unpad:
        return side**2 + rows * columns
    height, width = size
    if width / height > columns / rows:
        rows -= (rows - int(height * (columns / width))) // 2 * 2
    else:
        columns -= (columns - int(width * (rows / height))) // 2 * 2
    return side**2 + columns * rows + rows
