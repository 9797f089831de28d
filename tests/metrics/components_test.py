"""Dice of components: beside a search for the nearest, voxel by voxel."""

import math

import hypothesis
from hypothesis.extra import numpy as hnp
import numpy as np
import pytest
from scipy import ndimage

from jaxseg import metrics


@hypothesis.settings(max_examples=50)
@hypothesis.given(hnp.arrays(np.bool_, (2, 3, 4, 5)))
def test_any_masks(pair):
  a, b = pair
  # Sums of these differ, so that no voxel is equally near to two.
  spacing = (math.pi, 1.0, math.sqrt(2.3))
  parts, number = ndimage.label(b, np.ones((3, 3, 3)))
  found = metrics.component_dice(a, b, spacing)
  if not number:
    assert found.shape == (1,)
    return
  places = np.stack(np.indices(b.shape), -1) * spacing
  near = np.stack([
    np.linalg.norm(places[..., None, :] - places[parts == k], axis=-1).min(-1)
    for k in range(1, number + 1)
  ])  # fmt: skip
  tied = np.sort(near, axis=0)[:2]
  hypothesis.assume(number == 1 or (np.diff(tied, axis=0)[0] > 1e-9).all())
  region = near.argmin(0) + 1
  for k in range(1, number + 1):
    here, wanted = a & (region == k), parts == k
    dice = 2 * (here & wanted).sum() / (here.sum() + wanted.sum())
    assert found[k - 1] == pytest.approx(dice, rel=1e-12)


def test_a_small_one_that_is_missed():
  b = np.zeros((20, 20), np.bool_)
  b[2:12, 2:12], b[17, 17] = True, True
  a = b.copy()
  a[17, 17] = False
  assert metrics.component_dice(a, b, (1.0, 1.0)).tolist() == [1, 0]
  assert float(metrics.dice(a, b)) > 0.99


def test_touching_at_a_corner():
  b = np.eye(2, dtype=np.bool_)
  assert metrics.component_dice(b, b, (1, 1)).tolist() == [1]
  found = metrics.component_dice(b, b, (1, 1), corners=False)
  assert found.tolist() == [1, 1]
  assert metrics.component_dice(b, b | True, (1, 1)).tolist() == [2 / 3]


def test_wrong_input_is_refused():
  mask = np.ones((2, 3), np.bool_)
  with pytest.raises(TypeError, match="prediction has dtype uint8"):
    metrics.component_dice(mask.astype(np.uint8), mask, (1, 1))
  with pytest.raises(ValueError, match="masks have 4 axes"):
    metrics.component_dice(mask[None, None], mask[None, None], (1, 1, 1))
