"""What becomes of every kind of image, through the helper process."""

import io
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from app.domain.errors import SllmError
from app.domain.pictures import pixels_digest
from app.images.decoder import Decoded, Decoder
from tests.images import profiles, samples
from tests.images.samples import RED, WHITE, encoded


async def seen(decoder: Decoder, folder: Path, data: bytes) -> Image.Image:
    """The stored PNG, which must be what the decoder says."""
    found = await decoder.decode(data)
    image = picture(folder, found)
    assert (image.width, image.height, image.mode) == (found.width, found.height, "RGB")
    assert pixels_digest(image.width, image.height, image.tobytes()) == found.sha256
    return image


def picture(folder: Path, found: Decoded) -> Image.Image:
    path = folder / found.name
    assert path.stat().st_mode & 0o777 == 0o600
    image = Image.open(io.BytesIO(path.read_bytes()))
    image.load()
    assert image.info == {}
    return image


async def test_all_eight_orientations_are_one_picture(decoder: Decoder, tmp_path: Path) -> None:
    found = [await decoder.decode(samples.corner(n)) for n in range(1, 9)]
    assert len({each.sha256 for each in found}) == 1
    image = picture(tmp_path, found[0])
    assert (image.size, image.getpixel((0, 0)), image.getpixel((39, 19))) == ((40, 20), RED, WHITE)


async def test_a_turned_photograph_changes_its_sides(decoder: Decoder, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(Image.new("RGB", (40, 20), RED), "JPEG", exif=exif)
    assert (await seen(decoder, tmp_path, data)).size == (20, 40)


async def test_nothing_of_exif_is_stored(decoder: Decoder, tmp_path: Path) -> None:
    found = await decoder.decode(samples.corner(1))
    assert b"secret" in samples.corner(1)
    assert b"secret" not in (tmp_path / found.name).read_bytes()


def transparent(mode: str) -> bytes:
    return encoded(Image.new("RGBA", (4, 4), (255, 0, 0, 0)).convert(mode))


def palette_with_alpha() -> bytes:
    image = Image.new("P", (4, 4), 0)
    image.putpalette([255, 0, 0, 0, 0, 255])
    return encoded(image, transparency=b"\x00\xff")


def sixteen_bits(value: int) -> bytes:
    return encoded(Image.new("I;16", (4, 4), value))


def cmyk() -> bytes:
    return encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=100)


KINDS = {
    "RGBA": (transparent("RGBA"), WHITE),
    "LA": (transparent("LA"), WHITE),
    "palette with alpha": (palette_with_alpha(), WHITE),
    "grey with a transparent value": (encoded(Image.new("L", (4, 4), 7), transparency=7), WHITE),
    "colour with a transparent value": (
        encoded(Image.new("RGB", (4, 4), RED), transparency=RED), WHITE,
    ),
    "one bit": (encoded(Image.new("1", (4, 4), 1)), WHITE),
    "16 bits, dark": (sixteen_bits(0x2040), (0x20, 0x20, 0x20)),
    "16 bits, white": (sixteen_bits(0xFFFF), WHITE),
    "CMYK": (cmyk(), (254, 0, 0)),
    "half transparent": (encoded(Image.new("RGBA", (4, 4), (0, 0, 0, 128))), (127, 127, 127)),
    "WebP with alpha": (
        encoded(Image.new("RGBA", (4, 4), (255, 0, 0, 0)), "WEBP", lossless=True), WHITE,
    ),
    "GIF": (samples.plain(format_="GIF"), RED),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
async def test_every_mode_has_its_colours(kind: str, decoder: Decoder, tmp_path: Path) -> None:
    data, colour = KINDS[kind]
    got = (await seen(decoder, tmp_path, data)).getpixel((1, 1))
    assert isinstance(got, tuple)
    assert max(abs(a - b) for a, b in zip(got, colour, strict=True)) <= 1


@pytest.mark.parametrize("format_", ["GIF", "WEBP", "PNG"])
async def test_of_an_animation_the_first_frame_counts(
    format_: str, decoder: Decoder, tmp_path: Path
) -> None:
    image = await seen(decoder, tmp_path, samples.animation(format_))
    got = image.getpixel((5, 5))
    assert isinstance(got, tuple)
    assert got[0] > 250
    assert got[2] < 5


@pytest.mark.parametrize("profile", [b"", b"nonsense", b"\0" * 128])
async def test_a_broken_colour_profile_does_no_harm(
    profile: bytes, decoder: Decoder, tmp_path: Path
) -> None:
    data = encoded(Image.new("RGB", (4, 4), RED), icc_profile=profile)
    assert (await seen(decoder, tmp_path, data)).getpixel((0, 0)) == RED


async def test_a_whole_colour_profile_is_left_away(decoder: Decoder, tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encoded(Image.new("RGB", (4, 4), RED), icc_profile=profile)
    assert (await seen(decoder, tmp_path, data)).getpixel((0, 0)) == RED


WIDE = {"Display P3": profiles.DISPLAY_P3, "Adobe RGB": profiles.ADOBE_RGB}
COLOURS = [(200, 80, 60), (60, 160, 90), (40, 60, 200), (128, 128, 128), (255, 0, 0)]


@pytest.mark.parametrize("name", WIDE)
@pytest.mark.parametrize("colour", COLOURS)
async def test_colours_of_other_spaces_become_those_of_srgb(
    name: str, colour: tuple[int, int, int], decoder: Decoder, tmp_path: Path
) -> None:
    profile = profiles.of_primaries(WIDE[name])
    expected = profiles.in_srgb(WIDE[name], colour)
    for format_ in ("PNG", "WEBP"):
        options = {"lossless": True} if format_ == "WEBP" else {}
        data = encoded(Image.new("RGB", (4, 4), colour), format_, icc_profile=profile, **options)
        assert near((await seen(decoder, tmp_path, data)).getpixel((1, 1)), expected)


def near(got: object, expected: tuple[int, ...]) -> bool:
    assert isinstance(got, tuple)
    return all(abs(a - b) <= 2 for a, b in zip(got, expected, strict=True))


async def test_inks_are_seen_as_their_profile_says(decoder: Decoder, tmp_path: Path) -> None:
    """Paper is white, cyan a grey of L* 50, which is 119 in sRGB; without a profile it is cyan."""
    profile = profiles.of_inks({(0, 0, 0, 0): 255, (255, 0, 0, 0): 128})
    for inks, expected in (((0, 0, 0, 0), 255), ((255, 0, 0, 0), 119), ((0, 255, 0, 0), 0)):
        image = Image.new("CMYK", (8, 8), inks)
        data = encoded(image, "JPEG", quality=100, icc_profile=profile)
        got = (await seen(decoder, tmp_path, data)).getpixel((1, 1))
        assert near(got, (expected,) * 3)


async def test_a_profile_leaves_transparency_as_it_is(decoder: Decoder, tmp_path: Path) -> None:
    colour = (200, 80, 60)
    image = Image.new("RGBA", (4, 4), (*colour, 255))
    image.putpixel((0, 0), (*colour, 0))
    profile = profiles.of_primaries(profiles.ADOBE_RGB)
    for each in (image, image.quantize(4)):
        got = await seen(decoder, tmp_path, encoded(each, icc_profile=profile))
        assert near(got.getpixel((2, 2)), profiles.in_srgb(profiles.ADOBE_RGB, colour))
        assert near(got.getpixel((0, 0)), WHITE)


async def test_a_profile_for_another_mode_is_none(decoder: Decoder, tmp_path: Path) -> None:
    inks = profiles.of_inks({(0, 0, 0, 0): 255})
    data = encoded(Image.new("RGB", (4, 4), RED), icc_profile=inks)
    assert (await seen(decoder, tmp_path, data)).getpixel((0, 0)) == RED
    cut_ = profiles.of_primaries(profiles.ADOBE_RGB)[:300]
    data = encoded(Image.new("RGB", (4, 4), RED), icc_profile=cut_)
    assert (await seen(decoder, tmp_path, data)).getpixel((0, 0)) == RED


async def test_a_single_pixel_is_an_image(decoder: Decoder, tmp_path: Path) -> None:
    assert (await seen(decoder, tmp_path, samples.plain(1, 1))).size == (1, 1)


async def test_the_file_counts_not_its_name(decoder: Decoder) -> None:
    for format_ in ("PNG", "JPEG", "WEBP", "GIF"):
        found = await decoder.decode(samples.plain(format_=format_))
        assert found.media_type == f"image/{format_.lower()}"


def cut(format_: str, part: float) -> bytes:
    noise = Image.effect_noise((64, 64), 100).convert("RGB")
    data = encoded(noise, format_)
    return data[: int(len(data) * part)]


BAD = {
    "PNG, cut": cut("PNG", 0.6),
    "JPEG, cut": cut("JPEG", 0.6),
    "WebP, cut": cut("WEBP", 0.6),
    "GIF, cut": cut("GIF", 0.6),
    "only a signature": b"\x89PNG\r\n\x1a\n",
    "JPEG of two bytes more": b"\xff\xd8\xff\xe0\0",
    "no pixels": samples.png_header(0, 0),
    "30,000 squared": samples.png_header(30_000, 30_000),
    "2^31 - 1 squared": samples.png_header(2**31 - 1, 2**31 - 1),
    "2^32 - 1 squared": samples.png_header(2**32 - 1, 2**32 - 1),
    "a thread": samples.png_header(1, 1_000_000),
    "52,800 by 44": samples.plain(52_800, 44, format_="PNG"),
    "201 to 1": samples.plain(201, 1),
    "13,312 squared, of 21 KB": samples.bomb(13_312),
    "damaged data": samples.png_header(40, 20, b"nonsense"),
    "JPEG and HTML": b"\xff\xd8\xff<html><script>alert(1)</script></html>",
    "nothing": b"",
}


@pytest.mark.parametrize("name", BAD)
async def test_what_is_no_image_is_refused_in_our_own_words(name: str, decoder: Decoder) -> None:
    with pytest.raises(SllmError) as caught:
        await decoder.decode(BAD[name])
    assert caught.value.code == "invalid_image"
    assert caught.value.text in ("invalid_image", "image_shape", "image_pixels")
    # The helper is as good as before.
    assert (await decoder.decode(samples.plain())).width == 40


OTHERS = {
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "HTML": b"<!doctype html><html></html>",
    "PDF": b"%PDF-1.7",
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0",
    "PSD": b"8BPS\0\x01",
    "FITS": b"SIMPLE  =                    T",
    "TIFF": encoded(Image.new("RGB", (4, 4)), "TIFF"),
    "ICO": encoded(Image.new("RGB", (16, 16)), "ICO"),
    "BMP": encoded(Image.new("RGB", (4, 4)), "BMP"),
    "PPM": encoded(Image.new("RGB", (4, 4)), "PPM"),
    "AVIF": b"\0\0\0\x20ftypavif",
    "text": b"hello",
    "RIFF of sound": b"RIFF\0\0\0\0WAVEfmt ",
}


@pytest.mark.parametrize("name", OTHERS)
async def test_other_kinds_are_not_taken(name: str, decoder: Decoder) -> None:
    with pytest.raises(SllmError) as caught:
        await decoder.decode(OTHERS[name])
    assert (caught.value.code, caught.value.text) == ("unsupported_media_type", "image_kind")
