"""From the bytes of a hostile file to upright RGB pixels; runs in the helper process only."""

import io
import struct
import zlib

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

# Beyond, no model sees anything, and a file of a few bytes claims a lot of work.
LONGEST_SIDE = 20_000
MOST_ASPECT = 200
# What Pillow raises for files that are not what they claim.
BROKEN = (
    OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, AttributeError,
    NotImplementedError, OverflowError, ZeroDivisionError, RuntimeError, UnidentifiedImageError,
    struct.error, zlib.error,
)  # fmt: skip


# Modes that a colour profile may be for: what they are without transparency, and the profile's
# own name of that. A palette is colours.
_MODES = {
    "RGB": ("RGB", "RGB"), "RGBA": ("RGB", "RGB"), "P": ("RGB", "RGB"),
    "L": ("L", "GRAY"), "LA": ("L", "GRAY"), "CMYK": ("CMYK", "CMYK"),
}  # fmt: skip


class Refused(Exception):
    """The image is not taken; the text is an i18n key."""


def decoded(data: bytes, name: str, most_pixels: int) -> Image.Image:
    """The first frame of a `name` (Pillow's name of the format) as it is meant to be seen.

    Its size is judged before it is decoded. Raises Refused.
    """
    # Our own limit stands below; Pillow's would only warn, and then at another number.
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(io.BytesIO(data), formats=[name]) as image:
            check_size(image.width, image.height, most_pixels)
            image.load()
            return upright(image)
    except BROKEN:
        raise Refused("invalid_image") from None


def check_size(width: int, height: int, most_pixels: int) -> None:
    """Raises Refused."""
    short, long = sorted((width, height))
    if short < 1 or long > LONGEST_SIDE or long > MOST_ASPECT * short:
        raise Refused("image_shape")
    if width * height > most_pixels:
        raise Refused("image_pixels")


def upright(image: Image.Image) -> Image.Image:
    """Turned as EXIF says, in the colours of sRGB, over white where it is transparent."""
    return over_white(in_srgb(ImageOps.exif_transpose(image)))


def in_srgb(image: Image.Image) -> Image.Image:
    """By the image's own colour profile, where it has one that fits its mode; a profile that is
    broken, or another mode's, is as good as none."""
    profile = image.info.get("icc_profile")
    if not isinstance(profile, bytes) or not profile:
        return image
    if "transparency" in image.info:
        image = image.convert("LA" if image.mode == "L" else "RGBA")
    modes = _MODES.get(image.mode)
    if modes is None:
        return image
    alpha = image.getchannel("A") if image.mode.endswith("A") else None
    flat = image.convert(modes[0])
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != modes[1]:
            return image
        srgb = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(flat, source, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, *BROKEN):
        return image
    assert converted is not None
    if alpha is not None:
        converted.putalpha(alpha)
    return converted


def over_white(image: Image.Image) -> Image.Image:
    """RGB of any of Pillow's modes."""
    if image.mode.startswith("I"):
        image = eight_bits(image)
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def eight_bits(image: Image.Image) -> Image.Image:
    """Of 16-bit grey: its high byte. Pillow alone would cut everything above 255 to white."""
    image.info.pop("transparency", None)
    wide = image if image.mode == "I" else image.convert("I")
    return wide.point(lambda value: value * (1 / 256)).convert("L")
