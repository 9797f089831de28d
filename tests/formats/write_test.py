"""Masks come back as they were, where they were."""

import numpy as np
import pytest

from jaxseg import errors
from jaxseg import formats
from jaxseg import volume


@pytest.fixture
def mask():
  return np.random.default_rng(0).random((3, 4, 5)) < 0.5


def test_a_mask_comes_back_on_its_grid(tmp_path, mask):
  turned = np.array([[0, 0.6, -1.6], [0, 0.8, 1.2], [2.5, 0, 0]])
  affine = np.eye(4)
  affine[:3] = np.column_stack([turned, [-7.0, 8.0, 9.5]])
  given = volume.Volume.from_affine(mask, affine)
  path = formats.write_mask(tmp_path / "new" / "a.b", given)
  assert path == tmp_path / "new" / "a.b.nii.gz"
  back = formats.read_mask(path)
  np.testing.assert_array_equal(back.array, mask)
  np.testing.assert_allclose(back.affine, affine, atol=1e-6)
  assert [one.name for one in path.parent.iterdir()] == [path.name]
  with pytest.raises(errors.ExistingOutputError, match="already exists"):
    formats.write_mask(tmp_path / "new" / "a.b", given)
  other = given.with_array(~mask)
  formats.write_mask(tmp_path / "new" / "a.b", other, overwrite=True)
  np.testing.assert_array_equal(formats.read_mask(path).array, ~mask)


def test_slices_one_at_a_time_make_the_same_file(tmp_path, mask):
  affine = np.diag([2.5, 0.8, -1.2, 1.0])
  given = volume.Volume.from_affine(mask, affine)
  whole = formats.write_mask(tmp_path / "whole" / "m", given)
  stem = tmp_path / "parts" / "m"
  path = formats.write_mask_slices(stem, iter(mask), given.placed)
  assert path.read_bytes() == whole.read_bytes()
  with pytest.raises(errors.ExistingOutputError, match="already exists"):
    formats.write_mask_slices(stem, iter(mask), given.placed)


@pytest.mark.parametrize("shift", [0.0, 2e-3, 4e-3, 0.5])
def test_what_is_written_can_be_read(tmp_path, mask, shift):
  affine = np.diag([2.5, 0.8, -1.2, 1.0])
  affine[1, 0] = shift  # As slices lie of a tilted gantry.
  given = volume.Volume.from_affine(mask, affine)
  if shift < 2.5e-3:
    formats.check_nifti(given.placed)
    path = formats.write_mask(tmp_path / "a", given)
    np.testing.assert_array_equal(formats.read_mask(path).array, mask)
    return
  for write in (
    lambda: formats.write_mask(tmp_path / "a", given),
    lambda: formats.write_map(tmp_path / "a", given),
    lambda: formats.write_image(tmp_path / "a", given),
    lambda: formats.write_mask_slices(tmp_path / "a", mask, given.placed),
  ):
    with pytest.raises(errors.GeometryError, match="tilted gantry") as caught:
      write()
    assert str(caught.value).startswith(f"{tmp_path / 'a.nii.gz'}: the axes")
  assert not list(tmp_path.iterdir())


def test_without_a_geometry_it_is_npy(tmp_path, mask):
  path = formats.write_mask(tmp_path / "a", volume.Volume(mask, None))
  assert path.name == "a.npy"
  assert np.load(path).dtype == np.uint8
  np.testing.assert_array_equal(np.load(path), mask)


def test_maps_are_named_as_pairs_are(tmp_path):
  for name in ("p1/liver", "p1/spleen", "p2/liver"):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    np.save(tmp_path / f"{name}.npy", np.zeros((1, 2, 2), np.float32))
  found = formats.find_maps(f"{tmp_path}/**/*.npy")
  assert [name for name, _ in found] == ["p1/liver", "p1/spleen", "p2/liver"]


@pytest.mark.parametrize(
  ("names", "said"),
  [
    (("c0.npy", "c0.npz"), "c0.npy and .*c0.npz: both fit the name 'c0'"),
    (("c0.npy", "c0.npz", "c1.npy"), "c0.npy and .*c0.npz: both fit the"),
    (("a/c0.npy", "b/c0.npy", "b/c0.npz"), "both fit the name 'b'"),
    (("a/c.npy", "c.npy", "c.npz"), "/c.npy and .*/c.npz: both fit the name"),
    (("c0.npy", "C0.npy"), "both fit the name 'c0'; give one of them only"),
  ],
)
def test_two_maps_of_one_name_are_refused(tmp_path, names, said):
  paths = [tmp_path / name for name in names]
  for path in paths:
    path.parent.mkdir(exist_ok=True)
    path.touch()
  if len({path for path in tmp_path.rglob("*.np?")}) < len(paths):
    pytest.skip("the file system takes the names for one")
  with pytest.raises(errors.DataError, match=said):
    formats.find_maps(f"{tmp_path}/**/*")


def test_a_map_above_those_of_its_name_is_named(tmp_path):
  (tmp_path / "c").mkdir()
  paths = [tmp_path / "c" / "c.npy", tmp_path / "c.npy"]
  for path in paths:
    path.touch()
  assert formats.find_maps(paths) == [("c/c", paths[0]), ("c", paths[1])]


def test_within_a_block_a_file_is_read_once(tmp_path):
  path = tmp_path / "a.npy"
  p = np.random.default_rng(0).random((3, 2, 4, 4), np.float32)
  np.save(path, p)
  with formats.held():
    one = formats.read_probabilities(path, structure=0)
    np.save(path, 1 - p)
    with formats.held():  # The inner block belongs to the outer one.
      two = formats.read_probabilities(path, structure=2)
  after = formats.read_probabilities(path, structure=2)
  for found, is_ in ((one, p[0]), (two, p[2]), (after, (1 - p)[2])):
    np.testing.assert_array_equal(found.array, is_)


def test_a_map_comes_back_to_the_bit(tmp_path, mask):
  p = np.random.default_rng(1).random(mask.shape, np.float32)
  given = volume.Volume.from_affine(p, np.diag([3.0, 2.0, 1.0, 1.0]))
  path = formats.write_map(tmp_path / "p", given)
  np.testing.assert_array_equal(formats.read_probabilities(path).array, p)
  with pytest.raises(errors.ExistingOutputError, match="already exists"):
    formats.write_map(tmp_path / "p", given)
