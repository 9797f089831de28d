"""Borders and holes as one polygon."""

import hypothesis
import numpy as np

from jaxseg import contours
from tests.contours import trace_test


def joined(mask):
  rings, slices = [], []
  loops = contours.trace_slices(mask)
  for index in sorted({k for k, _, _ in loops}):
    own = [ring for k, ring, _ in loops if k == index]
    for outer, holes in contours.nest(own):
      rings.append(contours.keyhole(outer, holes))
      slices.append(index)
  return rings, slices


@trace_test.many
@hypothesis.given(trace_test.masks())
def test_the_mask_is_the_same(mask):
  rings, slices = joined(mask)
  found = contours.fill(rings, slices, mask.shape)
  np.testing.assert_array_equal(found, mask)
  # And each polygon can be filled by itself.
  union = contours.fill(rings, slices, mask.shape, combine="union")
  np.testing.assert_array_equal(union, mask)
  assert not contours.self_crossing(rings, mask.shape[2]).any()


def test_ring_by_hand():
  mask = np.ones((1, 3, 3), bool)
  mask[0, 1, 1] = False
  (ring,), _ = joined(mask)
  np.testing.assert_array_equal(ring, [
      [-0.5, -0.5], [2.5, -0.5], [2.5, 2.5], [-0.5, 2.5], [-0.5, 0.5],
      [0.5, 0.5], [0.5, 1.5], [1.5, 1.5], [1.5, 0.5], [0.5, 0.5], [-0.5, 0.5],
  ])  # fmt: skip


def test_islands_in_holes_stand_by_themselves():
  mask = np.zeros((1, 9, 9), bool)
  for width, value in ((4, True), (3, False), (2, True), (1, False), (0, True)):
    mask[0, 4 - width : 5 + width, 4 - width : 5 + width] = value
  rings, _ = joined(mask)
  assert len(rings) == 3
  np.testing.assert_array_equal(contours.fill(rings, [0] * 3, mask.shape), mask)
