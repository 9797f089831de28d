"""PNG and TIFF: what Pillow and ITK write, and what both would misread."""

import struct
import zlib

import numpy as np
from PIL import Image
import pytest
import SimpleITK as sitk

from jaxseg import errors
from jaxseg import formats
from jaxseg import study
from jaxseg import thresholds

SHAPE = (3, 5, 7)


def values(dtype=np.float32, shape=SHAPE):
  draw = np.random.default_rng(0).random(shape)
  if np.dtype(dtype).kind == "f":
    return draw.astype(dtype)
  return (draw * np.iinfo(dtype).max).astype(dtype)


def pages(path, arrays, **how):
  first, *others = [Image.fromarray(array) for array in arrays]
  first.save(path, save_all=True, append_images=others, **how)
  return path


@pytest.mark.parametrize("suffix", [".tif", ".tiff", ".TIF"])
@pytest.mark.parametrize("packed", [None, "tiff_lzw", "tiff_adobe_deflate"])
def test_stacks_of_floating_point(tmp_path, suffix, packed):
  path = pages(tmp_path / f"a{suffix}", values(), compression=packed)
  read = formats.read_probabilities(path)
  assert read.grid is None
  assert read.array.dtype == np.float32
  np.testing.assert_array_equal(read.array, values())


@pytest.mark.parametrize("big", [False, True])
def test_what_itk_writes_and_what_is_big(tmp_path, big):
  path = tmp_path / "a.tif"
  if big:
    pages(path, values(), big_tiff=True)
  else:
    sitk.WriteImage(sitk.GetImageFromArray(values()), str(path))
  np.testing.assert_array_equal(
    formats.read_probabilities(path).array, values()
  )


def test_one_page_is_a_slice(tmp_path):
  pages(tmp_path / "a.tif", values()[:1])
  assert formats.read_probabilities(tmp_path / "a.tif").shape == (1, 5, 7)
  Image.fromarray(values(np.uint8)[0]).save(tmp_path / "a.png")
  read = formats.read_probabilities(tmp_path / "a.png", eight_bit=True)
  np.testing.assert_array_equal(read.array, values(np.uint8)[:1])
  with pytest.raises(errors.DataError, match="--eight_bit"):
    formats.read_probabilities(tmp_path / "a.png")


@pytest.mark.parametrize("end", ["png", "tif", "mha", "npy"])
def test_maps_of_sixteen_bits(tmp_path, end):
  values = np.array([[0, 1, 255, 256], [32767, 32768, 65534, 65535]], np.uint16)
  path = tmp_path / f"a.{end}"
  if end == "npy":
    np.save(path, values[np.newaxis])
  else:
    sitk.WriteImage(sitk.GetImageFromArray(values), str(path))
  with pytest.raises(errors.DataError, match=r"--eight_bit\) if 0 to 65535"):
    formats.read_probabilities(path)
  read = formats.read_probabilities(path, eight_bit=True).array
  assert read.dtype == np.float32
  expected = [np.float32(u / 65535) for u in values.ravel().tolist()]
  np.testing.assert_array_equal(read.ravel(), np.array(expected, np.float32))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_labels(tmp_path, suffix, dtype):
  array = values(np.uint8)[0].astype(dtype) % 4
  Image.fromarray(array).save(tmp_path / f"a{suffix}")
  read = formats.read_mask(tmp_path / f"a{suffix}", structure=(1, 3))
  np.testing.assert_array_equal(read.array[0], array % 2 == 1)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_labels_of_few_bits_are_not_stretched(tmp_path, bits):
  # Pillow writes 1 bit; the others are put together by hand.
  array = values(np.uint8)[0] % 2**bits
  sitk_png = tmp_path / "a.png"
  sitk_png.write_bytes(png(array, bits))
  for label in (1, 2**bits - 1):
    read = formats.read_mask(sitk_png, structure=label)
    np.testing.assert_array_equal(read.array[0], array == label)


def png(array, bits):
  """A grey PNG of few bits, by the standard."""

  def chunk(kind, content):
    body = kind + content
    return (
      struct.pack(">I", len(content)) + body
      + struct.pack(">I", zlib.crc32(body))
    )  # fmt: skip

  height, width = array.shape
  rows = b""
  for row in array:
    digits = "".join(f"{value:0{bits}b}" for value in row)
    digits += "0" * (-len(digits) % 8)
    rows += b"\0" + int(digits, 2).to_bytes(len(digits) // 8, "big")
  header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
  return (
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", header)
    + chunk(b"IDAT", zlib.compress(rows))
    + chunk(b"IEND", b"")
  )


def coloured(path, mode):
  Image.fromarray(values(np.uint8)[0]).convert(mode).save(path)
  return path


def half(path):
  """A TIFF that says half floats, which ITK takes for integers."""
  pages(path, [values()[0]])
  bits = struct.Struct("<HHIH")
  content = path.read_bytes()
  assert bits.pack(258, 3, 1, 32) in content
  path.write_bytes(
    content.replace(bits.pack(258, 3, 1, 32), bits.pack(258, 3, 1, 16))
  )
  return path


@pytest.mark.parametrize(
  ("make", "said"),
  [
    (lambda d: half(d / "a.tif"), "floating point of 16 bits"),
    (lambda d: coloured(d / "a.png", "RGB"), "save grey levels"),
    (lambda d: coloured(d / "a.png", "P"), "save grey levels"),
    (lambda d: coloured(d / "a.png", "LA"), "save grey levels"),
    (lambda d: coloured(d / "a.tif", "RGB"), "save grey levels"),
    (lambda d: coloured(d / "a.tif", "P"), "save grey levels"),
    (lambda d: coloured(d / "a.tif", "1"), "unsigned integers of 1 bits"),
    (
      lambda d: pages(d / "a.tif", [values()[0], values()[0, :3]]),
      "2 pages of 2 sizes",
    ),
    (
      lambda d: pages(
        d / "a.tif", values(), description="ImageJ=1.5\nchannels=3\n"
      ),
      "pages are channels",
    ),
  ],
)
def test_what_is_no_stack_of_grey_levels(tmp_path, make, said):
  path = make(tmp_path)
  for read in (formats.read_mask, formats.read_probabilities):
    with pytest.raises(errors.DataError, match=said):
      read(path)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_damage_ends_in_one_clear_line(tmp_path, suffix):
  good = tmp_path / f"good{suffix}"
  if suffix == ".png":
    Image.fromarray(values(np.uint8)[0]).save(good)
  else:
    pages(good, values(), compression="tiff_lzw")
  content = good.read_bytes()
  bad = tmp_path / f"bad{suffix}"
  for at in (0, 3, 9, 30, len(content) // 2, len(content) - 20):
    bad.write_bytes(content[:at])
    with pytest.raises(errors.DataError, match="bad") as raised:
      formats.read_mask(bad, threshold=0.5)
    assert str(raised.value).isprintable()
  # A changed byte may be a changed value, or else it is one of our errors.
  said = []
  for case in range(30):
    draw = np.random.default_rng(case)
    data = bytearray(content)
    for place in draw.integers(len(data), size=2):
      data[place] ^= 1 << int(draw.integers(8))
    bad.write_bytes(bytes(data))
    try:
      formats.read_mask(bad, threshold=0.5)
    except errors.JaxsegError as e:
      said.append(str(e))
  assert said
  assert all("bad" in line and line.isprintable() for line in said)


def test_previews_beside_volumes_are_no_maps(tmp_path):
  for name in ("p/a.npy", "p/a_preview.png", "r/a.png", "s/x/a.tif"):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(b"")
  for reference in ("r", "s", "r/*.png"):
    found = formats.pair(tmp_path / "p", str(tmp_path / reference))
    assert [one.probabilities.name for one in found.pairs] == ["a.npy"]
    assert not found.unpaired_probabilities


def test_slices_are_counted_as_the_volume_is(tmp_path):
  p = values(np.uint8, (4, 9, 11))
  y = np.random.default_rng(1).random(p.shape) < 0.01 + p / 300
  for k in range(4):
    for folder, array in (("p", p[k]), ("r", 255 * y[k].astype(np.uint8))):
      (tmp_path / folder / "case").mkdir(parents=True, exist_ok=True)
      image = Image.fromarray(array)
      image.save(tmp_path / folder / "case" / f"{k:03d}.png")
  pairs = formats.pair(tmp_path / "p", tmp_path / "r").pairs
  assert len(pairs) == 4
  options = study.MapOptions(eight_bit=True)
  counts = [study.count_pair(one, options=options) for one in pairs]
  pooled = study.CohortCounts.merge(counts).select().even.positive.sum(0)
  direct = thresholds.count_case(p, y, thresholds.grid())
  np.testing.assert_array_equal(pooled, direct.positive)
