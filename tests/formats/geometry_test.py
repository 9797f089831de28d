"""Where voxels lie: each format beside what ITK itself says of its points."""

import itertools
import struct

import numpy as np
import pytest
import SimpleITK as sitk

from jaxseg import errors
from jaxseg import formats

SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
SPACING = (0.7, 1.3, 2.5)
ORIGIN = (-12.5, 34.25, -1000.75)
# A rotation about an axis that is none of the patient's.
_AXIS = np.array([0.2, -0.5, 0.84])
_AXIS /= np.linalg.norm(_AXIS)
_CROSS = np.cross(np.eye(3), _AXIS)
OBLIQUE = np.eye(3) + np.sin(0.6) * _CROSS + (1 - np.cos(0.6)) * _CROSS @ _CROSS
DIRECTIONS = {
  "straight": np.eye(3),
  "oblique": OBLIQUE,
  "turned": np.array([[0, 0, -1.0], [1, 0, 0], [0, -1, 0]]),
  "mirrored": OBLIQUE @ np.diag([1, 1, -1.0]),
}


def image(array, direction=OBLIQUE, vector=False):
  made = sitk.GetImageFromArray(array, isVector=vector)
  made.SetSpacing(SPACING)
  made.SetOrigin(ORIGIN)
  made.SetDirection(direction.ravel().tolist())
  return made


def random(*shape, dtype=np.float32):
  return np.random.default_rng(0).random(shape).astype(dtype)


def agrees(affine, written, shape, atol=2e-4):
  """NIfTI holds its geometry in float32, the others in decimals."""
  for k, j, i in itertools.product(*map(range, shape)):
    point = written.TransformIndexToPhysicalPoint((i, j, k))
    np.testing.assert_allclose(
      (affine @ (k, j, i, 1))[:3], point, rtol=0, atol=atol
    )


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_voxel_of_a_map_lies_where_itk_says(tmp_path, suffix, direction):
  values = random(3, 4, 5)
  path = tmp_path / f"p{suffix}"
  made = image(values, DIRECTIONS[direction])
  sitk.WriteImage(made, str(path))
  read = formats.read_probabilities(path)
  np.testing.assert_array_equal(read.array, values)
  assert read.array.dtype == np.float32 and read.source == path
  assert read.affine.dtype == np.float64
  agrees(read.affine, made, values.shape)
  agrees(read.affine, sitk.ReadImage(str(path)), values.shape, 1e-9)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_masks_lie_there_too(tmp_path, suffix):
  values = (random(3, 4, 5) > 0.5).astype(np.uint8)
  sitk.WriteImage(image(values), str(tmp_path / f"m{suffix}"), True)
  read = formats.read_mask(str(tmp_path / f"m{suffix}"))
  assert read.array.dtype == np.bool_
  np.testing.assert_array_equal(read.array, values > 0)
  agrees(read.affine, image(values), values.shape)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_vector_images(tmp_path, suffix):
  values = random(3, 4, 5, 2)
  path = tmp_path / f"v{suffix}"
  sitk.WriteImage(image(values, vector=True), str(path))
  for channel in (0, np.int64(1)):
    read = formats.read_probabilities(path, structure=channel)
    np.testing.assert_array_equal(read.array, values[..., channel])
    agrees(read.affine, image(values, vector=True), (3, 4, 5))
  with pytest.raises(errors.DataError, match="2 channels, 0 to 1; say which"):
    formats.read_probabilities(path)


def four(values):
  """A 4D image of oblique volumes."""
  made = sitk.JoinSeries([image(one) for one in values])
  return made


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_4d_images(tmp_path, suffix):
  values = random(3, 2, 4, 5, dtype=np.float64)
  path = tmp_path / f"v{suffix}"
  sitk.WriteImage(four(values), str(path))
  read = formats.read_probabilities(path, structure=2)
  assert read.array.dtype == np.float64
  np.testing.assert_array_equal(read.array, values[2])
  agrees(read.affine, image(values[0]), (2, 4, 5))
  with pytest.raises(errors.DataError, match="3 channels, 0 to 2"):
    formats.read_probabilities(path)
  for wrong in (3, -1):
    with pytest.raises(errors.StructureNotFoundError, match=f"no .* {wrong};"):
      formats.read_probabilities(path, structure=wrong)
  with pytest.raises(errors.StructureNotFoundError, match="'liver' is a name"):
    formats.read_probabilities(path, structure="liver")


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
def test_one_channel_is_no_channel(tmp_path, suffix):
  values = random(1, 2, 4, 5)
  path = tmp_path / f"v{suffix}"
  sitk.WriteImage(four(values), str(path))
  for structure in (None, 0):
    read = formats.read_probabilities(path, structure=structure)
    np.testing.assert_array_equal(read.array, values[0])
    agrees(read.affine, image(values[0]), (2, 4, 5))
  with pytest.raises(errors.StructureNotFoundError, match="holds one map"):
    formats.read_probabilities(path, structure=1)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_2d_image_is_one_slice(tmp_path, suffix):
  values = random(4, 5)
  made = sitk.GetImageFromArray(values)
  made.SetSpacing((0.5, 2))
  made.SetOrigin((7, -9))
  sitk.WriteImage(made, str(tmp_path / f"s{suffix}"))
  read = formats.read_probabilities(tmp_path / f"s{suffix}")
  np.testing.assert_array_equal(read.array, values[None])
  np.testing.assert_array_equal(
    read.affine, [[0, 0, 0.5, 7], [0, 2, 0, -9], [1, 0, 0, 0], [0, 0, 0, 1]]
  )


def test_several_axes_of_channels_are_refused(tmp_path):
  vectors = [image(random(2, 4, 5, 3), vector=True) for _ in range(2)]
  sitk.WriteImage(sitk.JoinSeries(vectors), str(tmp_path / "v.nrrd"))
  with pytest.raises(errors.DataError, match="along one axis only"):
    formats.read_probabilities(tmp_path / "v.nrrd", structure=0)
  deep = sitk.JoinSeries([four(random(2, 2, 4, 5)) for _ in range(2)])
  sitk.WriteImage(deep, str(tmp_path / "d.nrrd"))
  with pytest.raises(errors.DataError, match="along one axis only"):
    formats.read_probabilities(tmp_path / "d.nrrd", structure=0)


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


@pytest.mark.parametrize(
  ("line", "new"),
  [
    (b"TransformMatrix = 1 0 0 0 1 0 0 0 1", b"TransformMatrix = 1 0 0 0 nan"),
    (b"TransformMatrix = 1 0 0 0 1 0 0 0 1", b"TransformMatrix =" + b" 0" * 9),
    (b"ElementSpacing = 1 1 1", b"ElementSpacing = 1 1 0"),
    (b"ElementSpacing = 1 1 1", b"ElementSpacing = 1 1 inf"),
    (b"Offset = 0 0 0", b"Offset = 0 0"),
    (b"Offset = 0 0 0", b"Offset = 0 zero 0"),
  ],
)
def test_metaimage_geometry_that_is_none(tmp_path, line, new):
  path = tmp_path / "x.mha"
  sitk.WriteImage(sitk.GetImageFromArray(random(3, 4, 5)), str(path))
  content = path.read_bytes()
  assert line in content
  path.write_bytes(content.replace(line, new))
  with pytest.raises(errors.GeometryError, match=r"x\.mha: "):
    formats.read_probabilities(path)


@pytest.mark.parametrize(
  ("old", "new"),
  [
    (b"(1,0,0) (0,1,0) (0,0,1)", b"(1,0,0) (0,1,0) (0,1,0)"),
    (b"(1,0,0) (0,1,0) (0,0,1)", b"(1,0,0) (0,1,0) (0,0,0)"),
    (b"(1,0,0) (0,1,0) (0,0,1)", b"(1,0,0) (0,1,0) (nan,0,1)"),
    (b"origin: (0,0,0)", b"origin: (0,nan,0)"),
    (b"origin: (0,0,0)", b"origin: (0,inf,0)"),
  ],
)
def test_nrrd_geometry_that_is_none(tmp_path, old, new):
  path = tmp_path / "x.nrrd"
  sitk.WriteImage(sitk.GetImageFromArray(random(3, 4, 5)), str(path))
  content = path.read_bytes()
  assert old in content
  path.write_bytes(content.replace(old, new))
  with pytest.raises(errors.JaxsegError, match=r"x\.nrrd: "):
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
