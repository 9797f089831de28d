"""Images of each format beside what ITK itself says of their points."""

import itertools

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
  with pytest.raises(errors.StructureNotFoundError, match="holds a single map"):
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


def nrrd(tmp_path, *lines, name="x.nrrd"):
  """A NRRD file with more lines in its header."""
  sitk.WriteImage(sitk.GetImageFromArray(random(3, 4, 5)), str(tmp_path / name))
  header, _, values = (tmp_path / name).read_bytes().partition(b"\n\n")
  more = "".join(f"\n{line}" for line in lines).encode()
  (tmp_path / name).write_bytes(header + more + b"\n\n" + values)
  return tmp_path / name


@pytest.mark.parametrize(
  "line",
  ["data file: /dev/zero", "DATA FILE: ../x.raw", "datafile: a%02d.raw 1 3 1"],
)
def test_nrrd_follows_plain_names_only(tmp_path, line):
  path = nrrd(tmp_path, line)
  with pytest.raises(errors.DataError, match="as its data file"):
    formats.read_probabilities(path)


def test_nrrd_names_no_file_beyond_what_is_checked(tmp_path):
  comments = ["#" + "x" * 1000] * 1100
  path = nrrd(tmp_path, *comments, "data file: /dev/zero")
  with pytest.raises(errors.LimitError, match="header is longer than"):
    formats.read_probabilities(path)


@pytest.mark.parametrize("compressed", [False, True])
def test_nrrd_cut_short(tmp_path, compressed):
  path = tmp_path / "x.nrrd"
  made = sitk.GetImageFromArray(random(3, 4, 5))
  sitk.WriteImage(made, str(path), compressed)
  path.write_bytes(path.read_bytes()[:-20])
  with pytest.raises(errors.DataError, match=r"x\.nrrd: cannot be read"):
    formats.read_probabilities(path)


SEGMENTS = [
  "Segment0_Name:=Rückenmark", "Segment0_LabelValue:=1", "Segment0_Layer:=0",
  "Segment1_Name:=left", "Segment1_LabelValue:=2", "Segment1_Layer:=0",
]  # fmt: skip


def test_segments_of_slicer_by_name(tmp_path):
  path = nrrd(tmp_path, *SEGMENTS, name="a.seg.nrrd")
  labels = np.random.default_rng(0).integers(0, 3, (3, 4, 5), np.uint8)
  header, _, _ = path.read_bytes().partition(b"\n\n")
  header = header.replace(b"type: float", b"type: unsigned char")
  path.write_bytes(header + b"\n\n" + labels.tobytes())
  for name, label in (("Rückenmark", 1), ("left", 2)):
    found = formats.read_mask(path, structure=name)
    np.testing.assert_array_equal(found.array, labels == label)
  with pytest.raises(errors.StructureNotFoundError, match="it holds 'Rücken"):
    formats.read_mask(path, structure="right")


def test_segments_of_slicer_in_layers(tmp_path):
  layers = np.random.default_rng(0).integers(0, 2, (3, 4, 5, 2), np.uint8)
  path = tmp_path / "a.seg.nrrd"
  made = image(layers, vector=True)
  made.SetMetaData("Segment0_Name", "one")
  made.SetMetaData("Segment0_Layer", "1")
  made.SetMetaData("Segment0_LabelValue", "1")
  made.SetMetaData("Segment1_Name", "other")  # As older versions wrote.
  sitk.WriteImage(made, str(path))
  found = formats.read_mask(path, structure="one")
  np.testing.assert_array_equal(found.array, layers[..., 1] == 1)
  agrees(found.affine, made, (3, 4, 5))
  found = formats.read_mask(path, structure="other")
  np.testing.assert_array_equal(found.array, layers[..., 1] == 1)


def test_names_of_a_nrrd_without_segments(tmp_path):
  labels = np.random.default_rng(0).integers(0, 3, (3, 4, 5), np.uint8)
  sitk.WriteImage(sitk.GetImageFromArray(labels), str(tmp_path / "a.nrrd"))
  (tmp_path / "dataset.json").write_text('{"labels": {"liver": 2}}')
  found = formats.read_mask(tmp_path / "a.nrrd", structure="liver")
  np.testing.assert_array_equal(found.array, labels == 2)
