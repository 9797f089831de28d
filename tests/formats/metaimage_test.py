"""MetaImage: read like ITK, and refused where ITK reads nonsense."""

import gzip
import re
import zlib

import numpy as np
import pytest
import SimpleITK as sitk

from jaxseg import errors
from jaxseg import formats


def random(*shape, dtype=np.float32):
  return np.random.default_rng(0).random(shape).astype(dtype)


def written(tmp_path, *changes, compressed=False, name="x.mha"):
  """A file of which some bytes are replaced."""
  path = tmp_path / name
  made = sitk.GetImageFromArray(random(3, 4, 5))
  sitk.WriteImage(made, str(path), compressed)
  content = path.read_bytes()
  for old, new in changes:
    assert old in content
    content = content.replace(old, new)
  path.write_bytes(content)
  return path


@pytest.mark.parametrize(
  ("line", "new"),
  [
    (b"TransformMatrix = 1 0 0 0 1 0 0 0 1", b"TransformMatrix = 1 0 0 0 nan"),
    (b"TransformMatrix = 1 0 0 0 1 0 0 0 1", b"TransformMatrix =" + b" 0" * 9),
    (b"ElementSpacing = 1 1 1", b"ElementSpacing = 1 1 0"),
    (b"ElementSpacing = 1 1 1", b"ElementSpacing = 1 1 inf"),
    (b"Offset = 0 0 0", b"Offset = 0 0"),
    (b"Offset = 0 0 0", b"Offset = 0 zero 0"),
    (b"Offset = 0 0 0", b"Offset = 0 nan 0"),
  ],
)
def test_metaimage_geometry_that_is_none(tmp_path, line, new):
  path = written(tmp_path, (line, new))
  with pytest.raises(errors.GeometryError, match=r"x\.mha: "):
    formats.read_probabilities(path)


@pytest.mark.parametrize(
  ("old", "new", "said"),
  [
    # These two end the whole program in SimpleITK 2.5.
    (b"NDims = 3", b"NDims = 100", "do not agree"),
    (b"NDims = 3", b"NDims = -3", "do not agree"),
    (b"NDims = 3", b"NDims = three", "not a number"),
    (b"DimSize = 5 4 3", b"DimSize = 5 4 0", "do not agree"),
    (b"DimSize = 5 4 3", b"DimSize = 5 4 30", "240 of the 2400 bytes"),
    (b"DimSize = 5 4 3", b"DimSize = 50000 40000 30", "save one structure"),
    (b"MET_FLOAT", b"MET_FOO", "'MET_FOO' with 1 channels is not supported"),
    (b"BinaryData = True", b"BinaryData = False", "as binary numbers"),
    (b"LOCAL", b"/dev/zero", "as its data file"),
    (b"LOCAL", b"%s%n.raw 1 3 1", "as its data file"),
    (b"LOCAL", b"y.raw", "'y.raw' is missing"),
    (b"NDims = 3", b"\0\0", "byte 19 is not in a line"),
  ],
)
def test_headers_that_are_none(tmp_path, old, new, said):
  path = written(tmp_path, (old, new))
  with pytest.raises(errors.DataError, match=said):
    formats.read_probabilities(path)


@pytest.mark.parametrize(
  "name",
  [
    "ElementSpacing",
    "TransformMatrix",
    "CompressedData",
    "BinaryDataByteOrder",
  ],
)
def test_a_field_misspelt_is_no_field_left_out(tmp_path, name):
  image = sitk.GetImageFromArray(np.zeros((2, 3, 4), np.float32))
  image.SetSpacing((1.5, 2.5, 3.5))
  path = tmp_path / "a.mha"
  sitk.WriteImage(image, str(path))
  content = path.read_bytes()
  at = content.index(name.encode()) + len(name) // 2
  flipped = bytes([content[at] ^ 4])
  path.write_bytes(content[:at] + flipped + content[at + 1 :])
  with pytest.raises(errors.DataError, match=f"a.mha: .* no {name}"):
    formats.read_probabilities(path)


def test_values_cut_short(tmp_path):
  path = written(tmp_path)
  path.write_bytes(path.read_bytes()[:-1])
  with pytest.raises(errors.DataError, match="239 of the 240 bytes"):
    formats.read_probabilities(path)


def test_compressed_values_that_are_damaged(tmp_path):
  # ITK fills the image with what was in memory.
  path = written(tmp_path, compressed=True)
  content = path.read_bytes()
  start = content.index(b"LOCAL") + 6
  for at in range(start, len(content), 7):
    damaged = bytearray(content)
    damaged[at] ^= 255
    path.write_bytes(damaged)
    with pytest.raises(errors.DataError, match="compressed values are"):
      formats.read_probabilities(path)
  path.write_bytes(content[:-20])
  with pytest.raises(errors.DataError, match="cut short"):
    formats.read_probabilities(path)


@pytest.mark.parametrize(
  ("size", "said"), [(b"5 4 2", "or more than the 160"), (b"5 4 9", "240 of")]
)
def test_compressed_values_of_another_length(tmp_path, size, said):
  change = (b"DimSize = 5 4 3", b"DimSize = " + size)
  path = written(tmp_path, change, compressed=True)
  with pytest.raises(errors.DataError, match=said):
    formats.read_probabilities(path)


@pytest.mark.parametrize("pack", [zlib.compress, gzip.compress])
def test_compressed_values_need_no_size(tmp_path, pack):
  path = written(tmp_path, compressed=True)
  header = re.sub(rb"CompressedDataSize.*\n", b"", path.read_bytes())
  header = header[: header.index(b"LOCAL") + 6]
  path.write_bytes(header + pack(random(3, 4, 5).tobytes()))
  found = formats.read_probabilities(path).array
  np.testing.assert_array_equal(found, random(3, 4, 5))


@pytest.mark.parametrize(
  ("field", "before"), [(b"HeaderSize = 16", 16), (b"HeaderSize = -1", 7)]
)
def test_data_files_with_a_header_of_their_own(tmp_path, field, before):
  change = (b"ElementType", field + b"\nElementType")
  path = written(tmp_path, change, name="x.mhd")
  raw = tmp_path / "x.raw"
  raw.write_bytes(b"x" * before + raw.read_bytes())
  found = formats.read_probabilities(path).array
  np.testing.assert_array_equal(found, random(3, 4, 5))


def test_the_other_byte_order(tmp_path):
  change = (b"ByteOrderMSB = False", b"ByteOrderMSB = True")
  path = written(tmp_path, change)
  content = path.read_bytes()
  values = random(3, 4, 5).astype(">f4").tobytes()
  path.write_bytes(content[: -len(values)] + values)
  found = formats.read_probabilities(path).array
  np.testing.assert_array_equal(found, random(3, 4, 5))
  assert found.dtype.isnative


@pytest.mark.parametrize(
  "dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]
)
def test_every_type(tmp_path, dtype):
  values = (random(3, 4, 5) * 100).astype(dtype)
  sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / "x.mha"))
  if dtype[0] == "f":
    found = formats.read_probabilities(tmp_path / "x.mha").array
    np.testing.assert_array_equal(found, values)
    return
  for label in np.unique(values):
    found = formats.read_mask(tmp_path / "x.mha", structure=label or 101).array
    np.testing.assert_array_equal(found, values == (label or 101))
