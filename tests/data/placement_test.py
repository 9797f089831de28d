"""The way to the prepared grid and back."""

import numpy as np
import pytest

from jaxseg import data
from jaxseg import errors
from jaxseg import volume


def head(shape=(4, 40, 50), centre=(18, 27), radius=11):
  y, x = np.meshgrid(*map(np.arange, shape[1:]), indexing="ij")
  inside = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2
  hu = np.broadcast_to(np.where(inside, 0, -1000), shape).astype(np.int16)
  return volume.Volume.from_affine(hu, np.diag([3.0, 2.0, 1.0, 1.0]))


def test_the_grid_is_centred_on_the_body():
  image = head()
  placed = data.place(image, size=(32, 32), spacing=None)
  assert placed.is_crop
  taken = placed.take(image.array, fill=-1000)
  rows, columns = np.nonzero(taken[0] > -300)
  assert rows.min() + rows.max() in (30, 31, 32)
  assert columns.min() + columns.max() in (30, 31, 32)


def test_a_couch_beside_the_body_does_not_move_it():
  image = head()
  array = image.array.copy()
  array[:, 38:, :] = 200  # A couch below the body, not touching it.
  with_couch = volume.Volume.from_affine(array, image.affine)
  bare, couch = (
    data.place(v, size=(32, 32), spacing=None) for v in (image, with_couch)
  )
  assert bare.origin == couch.origin


@pytest.mark.parametrize("size", [(32, 32), (64, 32), (32, 64), (64, 64)])
def test_a_crop_comes_back_exactly(size):
  image = head()
  placed = data.place(image, size=size, spacing=None)
  back = placed.restore(placed.take(image.array, fill=-1000), fill=-1000)
  assert back.shape == image.shape
  # The body lies within each of these sizes, and around it is air.
  np.testing.assert_array_equal(back, image.array)
  assert back.dtype == np.int16


def test_resampling_keeps_the_body_where_it_is():
  image = head((4, 80, 100), (36, 54), 22)
  placed = data.place(image, size=(48, 48), spacing=3.0)
  assert not placed.is_crop
  taken = placed.take((image.array > -300).astype(np.uint8), fill=0)
  assert taken.shape == (4, 48, 48)
  back = placed.restore(taken) >= 0.5
  truth = image.array > -300
  dice = 2 * (back & truth).sum() / (back.sum() + truth.sum())
  assert dice > 0.97


@pytest.mark.parametrize("spacing", [None, 3.0])
def test_one_slice_comes_back_as_among_all(spacing):
  image = head((4, 80, 100), (36, 54), 22)
  placed = data.place(image, size=(48, 48), spacing=spacing)
  taken = placed.take(image.array, fill=-1000)
  np.testing.assert_array_equal(
    placed.restore(taken[2:3])[0], placed.restore(taken)[2]
  )


def test_a_fractional_crop_is_the_same_part_of_each_grid():
  placed = data.place(
    head((2, 512, 512), (256, 256), 90),
    size=(96, 96),
    spacing=None,
    crop=(105 / 512, 405 / 512),
  )
  assert placed.size == (300, 300)
  assert placed.origin == (105, 105)


def test_air_is_refused():
  air = volume.Volume.from_affine(
    np.full((2, 8, 8), -1000, np.int16), np.eye(4)
  )
  with pytest.raises(errors.GeometryError, match="-300 HU"):
    data.place(air, size=(16, 16), spacing=None)


def test_json_and_back():
  placed = data.place(head(), size=(32, 48), spacing=1.7)
  assert data.Placement.from_json(placed.to_json()) == placed


@pytest.mark.parametrize("spacing", [None, 3.1, 1.2])
def test_an_image_is_prepared_some_slices_at_a_time(spacing):
  draw = np.random.default_rng(0)
  array = draw.integers(-1000, 1000, (33, 30, 34)).astype(np.int16)
  image = volume.Volume.from_affine(array, np.diag([3.0, 2.0, 1.9, 1.0]))
  config = data.PrepareConfig(size=(20, 24), spacing=spacing)
  placement, images = data.prepare_image(image, config)
  whole = placement.take(array, fill=-1000)
  np.testing.assert_array_equal(images, np.rint(whole).astype(np.int16))
