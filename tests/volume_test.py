"""Volumes: geometry, and resampling that keeps points where they are."""

import numpy as np
import pytest

from jaxseg import errors
from jaxseg import volume


def ramp(shape, affine):
  """A volume whose value at each centre is x + 10 y + 100 z in mm."""
  index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
  points = index @ affine[:3, :3].T + affine[:3, 3]
  return volume.Volume.from_affine(
    points @ np.array([1.0, 10.0, 100.0]), affine
  )


def oblique():
  """Three different spacings, axes turned about x, slices downwards."""
  cos, sin = np.cos(0.3), np.sin(0.3)
  affine = np.eye(4)
  affine[:3, 0] = 3.0 * np.array([0.0, sin, -cos])  # slice
  affine[:3, 1] = 2.0 * np.array([0.0, cos, sin])  # row
  affine[:3, 2] = 1.5 * np.array([1.0, 0.0, 0.0])  # column
  affine[:3, 3] = [-7.0, 4.0, 11.0]
  return affine


def test_spacing_follows_the_array_axes():
  np.testing.assert_allclose(
    volume.Volume.from_affine(np.zeros((2, 3, 4)), oblique()).spacing,
    (3.0, 2.0, 1.5),
  )


def test_resample_to_the_same_grid_changes_nothing():
  source = ramp((4, 5, 6), oblique())
  found = volume.resample(source, source.grid)
  np.testing.assert_allclose(found.array, source.array, rtol=1e-5, atol=1e-3)


def test_resample_keeps_points_in_the_patient():
  source = ramp((9, 10, 11), oblique())
  target = oblique()
  target[:3, :3] *= 0.5  # Finer, starting well within the source.
  target[:3, 3] += oblique()[:3, :3] @ np.array([2.0, 2.0, 2.0])
  found = volume.resample(source, volume.Grid.from_affine((6, 7, 8), target))
  expected = ramp((6, 7, 8), target).array
  np.testing.assert_allclose(found.array, expected, rtol=1e-5, atol=1e-2)


def test_resample_fills_what_lies_outside():
  source = volume.Volume.from_affine(np.ones((2, 2, 2)), np.eye(4))
  far = np.eye(4)
  far[:3, 3] = 100.0
  found = volume.resample(
    source, volume.Grid.from_affine((2, 2, 2), far), fill=-5.0
  )
  np.testing.assert_array_equal(found.array, -5.0)


@pytest.mark.parametrize(
  ("array", "affine", "text"),
  [
    (np.zeros((2, 2)), np.eye(4), "shape"),
    (np.zeros((2, 2, 2)), np.eye(3), "4, 4"),
    (np.zeros((2, 2, 2)), np.zeros((4, 4)), "singular"),
    (np.zeros((2, 2, 2)), np.full((4, 4), np.nan), "finite"),
  ],
)
def test_what_is_no_volume_is_refused(array, affine, text):
  with pytest.raises(errors.GeometryError, match=text):
    volume.Volume.from_affine(array, affine)


def test_other_values_must_have_the_same_shape():
  with pytest.raises(errors.GeometryError, match="resample"):
    volume.Volume.from_affine(np.zeros((2, 2, 2)), np.eye(4)).with_array(
      np.zeros((1, 2, 2))
    )
