"""NIfTI: places and values beside ITK and nibabel; damage is refused."""

import gzip
import struct
import sys

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from jaxseg import errors
from jaxseg import formats
from tests.formats.image_files_test import agrees
from tests.formats.image_files_test import image
from tests.formats.image_files_test import OBLIQUE
from tests.formats.image_files_test import random


def nifti(tmp_path, *changes):
  """A NIfTI file some fields of which are overwritten: (place, format, ...)."""
  path = tmp_path / "x.nii"
  sitk.WriteImage(image(random(3, 4, 5), np.eye(3)), str(path))
  content = bytearray(path.read_bytes())
  for at, form, *values in changes:
    struct.pack_into(form, content, at, *values)
  path.write_bytes(content)
  return path


NAN = float("nan")


@pytest.mark.parametrize(
  ("change", "said"),
  [
    ((280, "<f", NAN), "not finite"),
    ((76 + 8, "<f", float("inf")), "not finite"),
    ((280, "<12f", *[0] * 12), "singular"),
    ((280, "<12f", -0.7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2.5, 0), "singular"),
    ((280, "<12f", -2, 0, 0, 0, 0, -3, 0, 0, 0, 0, 4, 0), "pixdim says"),
  ],
)
def test_nifti_geometry_that_is_none(tmp_path, change, said):
  path = nifti(tmp_path, change)
  with pytest.raises(errors.GeometryError, match=said) as caught:
    formats.read_probabilities(path)
  assert str(path) in str(caught.value)


def test_a_sheared_sform_is_refused(tmp_path):
  shear = (-0.7, 0.65, 0, 0, 0, -1.1258, 0, 0, 0, 0, 2.5, 0)
  path = nifti(tmp_path, (252, "<2h", 0, 1), (280, "<12f", *shear))
  with pytest.raises(errors.GeometryError, match="orthogonal axes"):
    formats.read_probabilities(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_nifti_values_that_are_no_numbers(tmp_path, suffix, dtype, value):
  # ITK would give 0 for them.
  array = np.zeros((5, 200, 300), dtype)
  array[3, 150, 7] = value
  path = tmp_path / f"map{suffix}"
  sitk.WriteImage(sitk.GetImageFromArray(array), str(path))
  with pytest.raises(errors.DataError, match=r"value at \(3, 150, 7\) is"):
    formats.read_probabilities(path)
  array[3, 150, 7] = 0.5
  sitk.WriteImage(sitk.GetImageFromArray(array), str(path))
  np.testing.assert_array_equal(formats.read_probabilities(path).array, array)


@pytest.mark.parametrize("at", [112, 116])
@pytest.mark.parametrize("value", [NAN, float("inf")])
def test_nifti_values_scaled_by_no_number(tmp_path, at, value):
  path = nifti(tmp_path, (at, "<f", value))
  with pytest.raises(errors.DataError, match=r"x\.nii: its values are scaled"):
    formats.read_probabilities(path)


def test_nifti_values_in_the_other_byte_order(tmp_path):
  # A header of big-endian floats, and one value that is none.
  values = np.full((2, 3, 4), 0.25, ">f4")
  head = bytearray(352)
  for at, form, *fields in (
    (0, ">i", 348), (40, ">8h", 3, 4, 3, 2, 1, 1, 1, 1), (70, ">2h", 16, 32),
    (76, ">8f", 1, 1, 1, 1, 1, 1, 1, 1), (108, ">f", 352), (112, ">2f", 1, 0),
    (252, ">2h", 1, 0), (344, "4s", b"n+1"),
  ):  # fmt: skip
    struct.pack_into(form, head, at, *fields)
  path = tmp_path / "x.nii"
  path.write_bytes(head + values.tobytes())
  read = formats.read_probabilities(path).array
  np.testing.assert_array_equal(read, values.astype(np.float32))
  values[1, 2, 3] = np.inf
  path.write_bytes(head + values.tobytes())
  with pytest.raises(errors.DataError, match=r"value at \(1, 2, 3\) is inf"):
    formats.read_probabilities(path)


def lps(affine):
  """nibabel's affine of (x, y, z), RAS, as ours."""
  return np.diag([-1, -1, 1, 1.0]) @ affine[:, [2, 1, 0, 3]]


def test_each_file_is_itself(tmp_path):
  # ITK reads x.nii where x.nii.gz is asked for, if both are there.
  for suffix, value in ((".nii", 0.25), (".nii.gz", 0.75)):
    made = sitk.GetImageFromArray(np.full((3, 4, 5), value, np.float32))
    sitk.WriteImage(made, str(tmp_path / f"x{suffix}"))
  for suffix, value in ((".nii", 0.25), (".nii.gz", 0.75)):
    read = formats.read_probabilities(tmp_path / f"x{suffix}")
    assert (read.array == value).all()


@pytest.mark.parametrize("skew", [1e-5, 1e-4, 5e-4])
def test_an_sform_that_is_rounded(tmp_path, skew):
  # Of TotalSegmentator's public cases over 100 are 1e-4 off orthogonal.
  path = nifti(tmp_path)
  sform = nibabel.load(path).header.get_sform()
  sform[:3, 0] += skew * sform[:3, 1]
  path = nifti(tmp_path, (252, "<2h", 0, 1), (280, "<12f", *sform[:3].ravel()))
  read = formats.read_probabilities(path)
  np.testing.assert_allclose(
    read.affine, lps(nibabel.load(path).affine), rtol=1e-6, atol=1e-6
  )


@pytest.mark.parametrize("codes", [(1, 1), (1, 2), (2, 1), (0, 2), (2, 4)])
def test_the_sform_comes_before_the_qform(tmp_path, codes):
  moved = (-0.7, 0, 0, 9, 0, -1.3, 0, 8, 0, 0, 2.5, 7)
  path = nifti(tmp_path, (252, "<2h", *codes), (280, "<12f", *moved))
  read = formats.read_probabilities(path)
  np.testing.assert_allclose(
    read.affine, lps(nibabel.load(path).affine), rtol=1e-6
  )
  np.testing.assert_array_equal(read.affine[:3, 3], [-9, -8, 7])


@pytest.mark.parametrize("qfac", [-1, 0, 1])
@pytest.mark.parametrize("codes", [(0, 0), (1, 0)])
def test_without_an_sform_places_are_itks(tmp_path, codes, qfac):
  path = tmp_path / "x.nii"
  sitk.WriteImage(image(random(3, 4, 5), OBLIQUE), str(path))
  content = bytearray(path.read_bytes())
  struct.pack_into("<2h", content, 252, *codes)
  struct.pack_into("<f", content, 76, qfac)
  path.write_bytes(content)
  read = formats.read_probabilities(path)
  agrees(read.affine, sitk.ReadImage(str(path)), (3, 4, 5), 1e-9)


def test_quaternions_that_are_rounded(tmp_path):
  half_turn = (0.7071, 0.7072, 0)  # Its length is 1.00002.
  path = nifti(tmp_path, (252, "<2h", 1, 0), (256, "<3f", *half_turn))
  read = formats.read_probabilities(path)
  agrees(read.affine, sitk.ReadImage(str(path)), (3, 4, 5), 1e-6)


def test_a_spacing_has_no_sign(tmp_path):
  path = nifti(tmp_path, (80, "<f", -0.7))
  read = formats.read_probabilities(path)
  np.testing.assert_allclose(
    read.affine, lps(nibabel.load(path).affine), rtol=1e-6
  )


@pytest.mark.parametrize(("unit", "factor"), [(1, 1e3), (2, 1), (3, 1e-3)])
def test_units_of_length(tmp_path, unit, factor):
  plain = formats.read_probabilities(nifti(tmp_path)).affine
  read = formats.read_probabilities(nifti(tmp_path, (123, "B", unit | 8)))
  np.testing.assert_allclose(read.affine[:3], plain[:3] * factor, rtol=1e-12)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("made", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize(
  "shape", [(5, 4), (5, 4, 3), (5, 4, 3, 1), (5, 4, 3, 2), (5, 4, 3, 1, 2)]
)
def test_files_of_nibabel(tmp_path, suffix, made, shape):
  values = random(*shape, dtype=np.float64)
  affine = np.eye(4)
  affine[:3, :3] = OBLIQUE * (0.7, 1.3, 2.5)
  affine[:3, 3] = 1, -2, 30
  nibabel.save(made(values, affine), tmp_path / f"x{suffix}")
  read = formats.read_probabilities(
    tmp_path / f"x{suffix}", structure=1 if shape[-1] == 2 else None
  )
  assert read.array.dtype == np.float64
  whole = values.reshape(5, 4, -1, 2 if shape[-1] == 2 else 1)[..., -1]
  np.testing.assert_array_equal(read.array, whole.T)
  np.testing.assert_allclose(read.affine, lps(affine), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
  "dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"]
)
def test_scaled_integers_are_floats(tmp_path, dtype):
  path = tmp_path / "x.nii"
  values = np.random.default_rng(0).integers(0, 101, (5, 4, 3)).astype(dtype)
  nibabel.save(nibabel.Nifti1Image(values, np.eye(4), dtype=dtype), path)
  found = formats.read_mask(path, structure=7)
  np.testing.assert_array_equal(found.array, values.T == 7)
  content = bytearray(path.read_bytes())
  struct.pack_into("<2f", content, 112, 0.01, 0.125)
  path.write_bytes(content)
  read = formats.read_probabilities(path)
  assert read.array.dtype == np.float32
  slope = np.float64(np.float32(0.01))
  expected = (values.T * slope + 0.125).astype(np.float32)
  np.testing.assert_array_equal(read.array, expected)
  # A slope of 0 says that nothing is scaled, whatever the intercept.
  struct.pack_into("<2f", content, 112, 0, 5)
  path.write_bytes(content)
  found = formats.read_mask(path, structure=7)
  np.testing.assert_array_equal(found.array, values.T == 7)
  struct.pack_into("<2f", content, 112, 3e38, 3e38)
  path.write_bytes(content)
  with pytest.raises(errors.DataError, match=r"x\.nii: the value at .* is inf"):
    formats.read_probabilities(path)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_every_file_that_is_cut_short(tmp_path, suffix):
  path = tmp_path / f"x{suffix}"
  sitk.WriteImage(image(random(3, 4, 5)), str(path))
  content = path.read_bytes()
  for length in (0, 3, 300, 350, len(content) // 2, len(content) - 1):
    path.write_bytes(content[:length])
    with pytest.raises(errors.DataError, match=r"x\.nii"):
      formats.read_probabilities(path)


def test_damage_that_only_the_checksum_tells(tmp_path):
  path = tmp_path / "x.nii.gz"
  sitk.WriteImage(image(random(3, 4, 5)), str(path))
  raw = bytearray(gzip.decompress(path.read_bytes()))
  right = gzip.compress(raw)
  raw[-2] ^= 1
  wrong = gzip.compress(raw)
  path.write_bytes(wrong[:-8] + right[-8:])
  with pytest.raises(errors.DataError, match="damaged or cut short"):
    formats.read_probabilities(path)


def test_names_that_do_not_tell_the_compression(tmp_path):
  path = tmp_path / "x.nii.gz"
  sitk.WriteImage(image(random(3, 4, 5)), str(path))
  (tmp_path / "y.nii").write_bytes(path.read_bytes())
  with pytest.raises(errors.DataError, match=r"name it \.nii\.gz"):
    formats.read_probabilities(tmp_path / "y.nii")
  path.write_bytes(gzip.decompress(path.read_bytes()))
  found = formats.read_probabilities(path).array
  np.testing.assert_array_equal(found, random(3, 4, 5))


@pytest.mark.parametrize(
  ("change", "error", "said"),
  [
    ((40, "<4h", 1, 60, 1, 1), errors.DataError, "of 1 dimensions"),
    ((40, "<h", 9), errors.DataError, "of 9 dimensions"),
    ((42, "<h", -5), errors.DataError, "lengths"),
    ((40, "<6h", 5, 5, 2, 3, 2, 2), errors.DataError, "along one axis only"),
    ((40, "<4h", 3, 32000, 32000, 32000), errors.LimitError, "more than"),
    ((70, "<2h", 128, 24), errors.DataError, "datatype 128 is not"),
    ((70, "<2h", 999, 32), errors.DataError, "datatype 999 is not"),
    ((70, "<2h", 32, 64), errors.DataError, "datatype 32 is not"),
    ((108, "<f", -8.0), errors.DataError, "values begin at byte -8"),
    # Others take bytes of the header for values.
    ((108, "<f", 0.0), errors.DataError, "begin at byte 0, .* 352 or later"),
    ((108, "<f", 348.0), errors.DataError, "begin at byte 348, .* 352"),
    ((108, "<f", 352.5), errors.DataError, "begin at byte 352.5"),
    ((344, "4s", b"ni1"), errors.DataError, "whole NIfTI header"),
    ((280, "<f", 1e20), errors.GeometryError, "not below 1e"),
  ],
)
def test_headers_that_are_none(tmp_path, change, error, said):
  with pytest.raises(error, match=said):
    formats.read_probabilities(nifti(tmp_path, change))


def test_values_after_an_extension(tmp_path):
  path = nifti(tmp_path, (108, "<f", 384.0))
  content = path.read_bytes()
  path.write_bytes(content[:352] + bytes(32) + content[352:] + b"more")
  found = formats.read_probabilities(path).array
  np.testing.assert_array_equal(found, random(3, 4, 5))


def test_nibabel_is_named_where_it_is_missing(tmp_path, monkeypatch):
  path = nifti(tmp_path)
  np.save(tmp_path / "x.npy", random(3, 4, 5))
  monkeypatch.setitem(sys.modules, "nibabel", None)
  with pytest.raises(errors.ConfigError, match=r"jaxseg\[io\]"):
    formats.read_probabilities(path)
  formats.read_probabilities(tmp_path / "x.npy")
