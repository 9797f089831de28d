"""Broken and hostile files end in a result or a typed error, soon.

`JAXSEG_FUZZ=20` makes it twenty times as many cases.
"""

import os
import pathlib
import resource
import time

import numpy as np
from pydicom import uid as uids
import pytest

from jaxseg import dicom
from jaxseg import errors
from tests.dicom.ct_double import ct_series
from tests.dicom.rt_double import square
from tests.dicom.rt_double import structure_set
from tests.dicom.seg_double import seg

CASES = 250 * int(os.environ.get("JAXSEG_FUZZ", "1"))
SECONDS = 5.0
MEGABYTES = 700  # Beyond what the process had before.


def spoil(content: bytes, generator: np.random.Generator) -> bytes:
  """One of many ways in which a file can be broken."""
  data = bytearray(content)
  where = int(generator.integers(len(data)))
  length = int(generator.integers(1, 64))
  match int(generator.integers(8)):
    case 0:
      return bytes(data[:where])
    case 1:
      for at in generator.integers(len(data), size=int(
        generator.integers(1, 9)
      )):  # fmt: skip
        data[at] ^= 1 << int(generator.integers(8))
    case 2:
      data[where : where + length] = generator.bytes(length)
    case 3:
      data[where : where + 4] = b"\xff\xff\xff\xff"
    case 4:
      data[where : where + 4] = b"\xff\xff\xff\x7f"
    case 5:
      del data[where : where + length]
    case 6:
      data[where:where] = data[where : where + length] * 3
    case 7:
      # Early bytes say what all others mean.
      early = int(generator.integers(min(len(data), 1500)))
      data[early] = int(generator.integers(256))
  return bytes(data)


def ends_well(read, path: pathlib.Path, content: bytes) -> str:
  path.write_bytes(content)
  before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
  begin = time.monotonic()
  outcome, said = "read", ""
  try:
    read(path)
  except errors.JaxsegError as e:
    outcome, said = type(e).__name__, str(e)
  assert not said or said.isprintable()
  assert time.monotonic() - begin < SECONDS
  grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
  assert grown < MEGABYTES * 1024
  return outcome


def fuzz(
  read, content: bytes, path: pathlib.Path, seed: int, *, cases: int = CASES
) -> set[str]:
  outcomes = set()
  for case in range(cases):
    generator = np.random.default_rng([seed, case])
    spoiled = spoil(content, generator)
    try:
      outcomes.add(ends_well(read, path, spoiled))
    except Exception as e:
      raise AssertionError(f"case {case} of seed {seed}: {e!r}") from e
  return outcomes


@pytest.mark.parametrize(
  "kind", ["explicit", "implicit", "deflated", "jpeg2000", "jpegls", "rle"]
)
def test_ct(tmp_path, kind):
  def encode(dataset, _):
    if kind == "implicit":
      dataset.file_meta.TransferSyntaxUID = uids.ImplicitVRLittleEndian
    if kind == "deflated":
      dataset.file_meta.TransferSyntaxUID = uids.DeflatedExplicitVRLittleEndian
    syntax = {
      "jpeg2000": uids.JPEG2000Lossless,
      "jpegls": uids.JPEGLSLossless,
      "rle": uids.RLELossless,
    }.get(kind)
    if syntax:
      dataset.compress(syntax, generate_instance_uid=False)

  (path,) = ct_series(tmp_path / "a", shape=(1, 32, 32), change=encode)
  outcomes = fuzz(dicom.read_ct, path.read_bytes(), tmp_path / "x", 1)
  assert {"read", "DataError"} <= outcomes


def test_rtstruct(tmp_path):
  ct_series(tmp_path / "ct")
  image = dicom.read_ct(tmp_path / "ct")
  rois = {
    "a": [square(33), square(33, 2, 4), square(36)],
    "../../<b>": [square(30)],
  }
  path = structure_set(tmp_path / "rt.dcm", rois)

  def read(where):
    rtss = dicom.read_rtstruct(where)
    masks = rtss.masks(image)
    assert all(mask.shape == image.shape for mask in masks.values())

  outcomes = fuzz(read, path.read_bytes(), tmp_path / "x", 2)
  assert {"read", "DataError"} <= outcomes


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_seg(tmp_path, kind):
  ct_series(tmp_path / "ct", shape=(5, 13, 11))
  image = dicom.read_ct(tmp_path / "ct")
  pixels = np.random.default_rng(0).integers(0, 3, (5, 13, 11))
  frames = [(k, 1 + k % 2, pixels[k]) for k in (3, 0, 4)]
  path = seg(tmp_path / "seg.dcm", frames, kind=kind)

  def read(where):
    read = dicom.read_seg(where)
    for segment in read.segments:
      assert read.on(image, segment.number).shape == image.shape

  outcomes = fuzz(read, path.read_bytes(), tmp_path / "x", 5)
  assert {"read", "DataError", "GeometryError"} <= outcomes


@pytest.mark.parametrize(
  "name",
  ["dcmqi/partial_overlaps.dcm", "dcmqi/sparse-labelmap-noppv.dcm",
   "dcmqi/23x38x3/seg/label.seg", "highdicom/seg_image_ct_true_fractional.dcm"],
)  # fmt: skip
def test_real_seg(dicom_data, tmp_path, name):
  def read(where):
    read = dicom.read_seg(where)
    for segment in read.segments:
      read.volume(segment.number)

  content = (dicom_data / "seg" / name).read_bytes()
  assert "read" in fuzz(read, content, tmp_path / "x", 6)


@pytest.mark.parametrize("number", [0, 1])
def test_real_files(dicom_data, tmp_path, number):
  folder = dicom_data / "rtstruct/rt-utils/mock_data"
  image = dicom.read_ct(folder)

  def read_masks(path):
    dicom.read_rtstruct(path).masks(image)

  real, read = (
    (folder / "invalid_reference_rt.dcm", read_masks),
    (sorted((dicom_data / "sts/STS_013_PET/image").iterdir())[0],
     dicom.read_ct),
  )[number]  # fmt: skip
  assert "read" in fuzz(read, real.read_bytes(), tmp_path / "x", 3 + number)


def test_a_flip_outside_of_coordinates_leaves_the_mask(tmp_path):
  ct_series(tmp_path / "ct")
  image = dicom.read_ct(tmp_path / "ct")
  path = structure_set(tmp_path / "rt.dcm", {"a": [square(33)]})
  expected = dicom.read_rtstruct(path).mask("a", image).array
  content = path.read_bytes()
  start = content.index(b"\x06\x30\x50\x00")  # ContourData
  end = start + 8 + int.from_bytes(content[start + 4 : start + 8], "little")
  unchanged = 0
  for case in range(CASES):
    generator = np.random.default_rng([9, case])
    at = int(generator.integers(len(content)))
    if start <= at < end:
      continue
    data = bytearray(content)
    data[at] ^= 1 << int(generator.integers(8))
    (tmp_path / "x").write_bytes(bytes(data))
    try:
      rtss = dicom.read_rtstruct(tmp_path / "x")
      for roi in rtss.rois:
        mask = rtss.mask(roi.number, image, any_frame_of_reference=True).array
        # Or nothing at all: a tag or kind may be another one now.
        assert not mask.any() or np.array_equal(mask, expected)
        unchanged += int(mask.any())
    except errors.JaxsegError:
      pass
  assert unchanged > CASES // 3
