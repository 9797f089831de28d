"""Polygons to masks: by hand, against the naive rule, and by symmetry."""

import hypothesis
from hypothesis import strategies as st
import numpy as np
import pytest

from jaxseg import contours
from jaxseg import errors
from jaxseg.contours import _crossings
from jaxseg.contours import _rings
from tests.contours import naive

SHAPE = (2, 7, 8)
AFFINE = np.array(
  [[0, 0, 0.9, -4], [0, 1.2, 0, 5], [2.5, 0, 0, -30], [0, 0, 0, 1.0]]
)

# Coordinates beyond the grid, on centres, on edges, and anywhere.
coordinate = st.one_of(
  st.integers(-2, 9).map(float),
  st.integers(-4, 18).map(lambda n: n / 2),
  st.floats(-3, 11, allow_nan=False),
  st.integers(0, 7).map(lambda n: n + 9e-7),
  st.integers(0, 7).map(lambda n: n - 2e-6),
)
ring = st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=9).map(
  lambda points: np.array(points, np.float64)
)
rings = st.lists(st.tuples(ring, st.integers(0, 1)), max_size=4)
many = hypothesis.settings(max_examples=120, deadline=None)


def split(drawn):
  return [r for r, _ in drawn], np.array([s for _, s in drawn], np.int64)


@many
@hypothesis.given(rings, st.sampled_from(["even-odd", "union"]))
def test_equals_the_naive_rule(drawn, combine):
  polygons, slices = split(drawn)
  np.testing.assert_array_equal(
    contours.fill(polygons, slices, SHAPE, combine=combine),
    naive.fill(polygons, slices, SHAPE, combine=combine),
  )


@many
@hypothesis.given(rings, st.integers(0, 20), st.booleans())
def test_start_direction_and_order_do_not_matter(drawn, start, backward):
  polygons, slices = split(drawn)
  expected = contours.fill(polygons, slices, SHAPE)
  turned = [np.roll(p, start, axis=0) for p in polygons][::-1]
  if backward:
    turned = [p[::-1] for p in turned]
  np.testing.assert_array_equal(
    contours.fill(turned, slices[::-1], SHAPE), expected
  )


@many
@hypothesis.given(rings)
def test_mirrored_and_turned_polygons_give_mirrored_and_turned_masks(drawn):
  polygons, slices = split(drawn)
  # Away from centres by more than rounding, and less than the border.
  polygons = [np.round(p * 64) / 64 for p in polygons]
  expected = contours.fill(polygons, slices, SHAPE)
  far = np.array(SHAPE[1:]) - 1
  np.testing.assert_array_equal(
    contours.fill([far - p for p in polygons], slices, SHAPE),
    expected[:, ::-1, ::-1],
  )
  np.testing.assert_array_equal(
    contours.fill(
      [p[:, ::-1] for p in polygons], slices, (2, SHAPE[2], SHAPE[1])
    ),
    expected.transpose(0, 2, 1),
  )


def test_borders_are_inside_on_all_sides():
  square = np.array([[1, 2], [1, 5], [4, 5], [4, 2]], np.float64)
  mask = contours.fill([square], [1], SHAPE)
  expected = np.zeros(SHAPE, bool)
  expected[1, 1:5, 2:6] = True
  np.testing.assert_array_equal(mask, expected)
  inner = square[[0, 1, 2, 3]] * 0 + [[2, 3], [2, 4], [3, 4], [3, 3]]
  # A hole of no inner centre: its border is inside as well.
  np.testing.assert_array_equal(
    contours.fill([square, inner], [1, 1], SHAPE), expected
  )


@pytest.mark.parametrize(
  ("off", "inside"), [(0, 1), (9e-7, 1), (-9e-7, 1), (2e-6, 0), (-2e-6, 1)]
)
def test_width_of_the_border(off, inside):
  square = np.array([[3 + off, 0], [3 + off, 6], [6, 6], [6, 0]], np.float64)
  assert contours.fill([square], [0], SHAPE)[0, 3, 3] == inside


def test_in_millimetres():
  corners = np.array([[1, 1, 2], [1, 1, 5], [1, 4, 5], [1, 4, 2]], np.float64)
  points = corners @ AFFINE[:3, :3].T + AFFINE[:3, 3]
  mask = contours.rasterize([points], SHAPE, AFFINE)
  assert mask.dtype == np.bool_ and mask.sum() == 16
  assert mask[1, 1:5, 2:6].all()
  far = points + np.array([0, 0, 2.5 * 7])
  assert not contours.rasterize([far], SHAPE, AFFINE).any()
  assert not contours.rasterize([], SHAPE, AFFINE).any()


def test_planes_of_a_slice_are_united():
  outer = np.array([[0, 0], [0, 6], [6, 6], [6, 0]], np.float64)
  inner = np.array([[1.5, 1.5], [1.5, 4.5], [4.5, 4.5], [4.5, 1.5]])
  together = contours.fill([outer, inner], [0, 0], SHAPE, planes=[0, 0])
  apart = contours.fill([outer, inner], [0, 0], SHAPE, planes=[0, 1])
  assert not together[0, 3, 3] and apart[0, 3, 3]


def test_bad_polygons_are_refused():
  points = np.zeros((3, 3))
  with pytest.raises(errors.DataError, match="polygon 1: has shape"):
    contours.rasterize([points, points[:, :2]], SHAPE, AFFINE)
  with pytest.raises(errors.DataError, match="not finite"):
    contours.rasterize([points * np.nan], SHAPE, AFFINE)
  with pytest.raises(errors.GeometryError, match="0.2 mm apart"):
    bent = np.array([[0, 0, 0], [0, 0, 0.2], [1, 0, 0]])
    contours.rasterize([points, bent], SHAPE, AFFINE)
  with pytest.raises(errors.ConfigError, match="combine is 'xor'"):
    contours.rasterize([points], SHAPE, AFFINE, combine="xor")


@pytest.mark.parametrize(
  ("affine", "text"),
  [
    (np.full((4, 4), np.nan), "is not finite"),
    (np.diag([3.0, 0, 1, 1]), "is singular"),
    (np.eye(3), r"shape \(3, 3\)"),
    (AFFINE.T, "last row"),
    (None, "is not finite"),
    ("eye", "affine is str"),
  ],
)
@pytest.mark.parametrize(
  "draw",
  [
    lambda affine: contours.rasterize([], SHAPE, affine),
    lambda affine: contours.trace(np.ones(SHAPE, np.bool_), affine),
    lambda affine: contours.isolines(np.ones(SHAPE), 0.5, affine),
  ],
)
def test_no_grid_is_refused(draw, affine, text):
  with pytest.raises(errors.GeometryError, match=text) as caught:
    draw(affine)
  assert "\n" not in str(caught.value)


def test_a_large_structure_equals_its_small_parts():
  turn = np.linspace(0, 2 * np.pi, 700)
  shape = (9, 160, 170)
  polygons, slices = [], []
  for k in range(shape[0]):
    radius = 60 + 8 * np.sin(5 * turn) + k
    for scale in (1.0, 0.5, 0.2):
      polygons.append(
        np.column_stack(
          [80 + scale * radius * np.sin(turn), 85 + scale * radius * np.cos(
            turn)]
        )
      )  # fmt: skip
      slices.append(k)
  whole = contours.fill(polygons, slices, shape)
  for k in range(shape[0]):
    own = [p for p, s in zip(polygons, slices, strict=True) if s == k]
    parts = [contours.fill([p], [0], (1, *shape[1:]))[0] for p in own]
    edges = _rings.touched(_rings.edges(own), shape[1:], within=1e-6)
    expected = parts[0] ^ parts[1] ^ parts[2]
    expected[edges[1], edges[2]] = True
    np.testing.assert_array_equal(whole[k], expected)


def square(low, high, turn=False):
  points = np.array([[low, low], [low, high], [high, high], [high, low]])
  return points[::-1] if turn else points


def test_self_crossing():
  eight = np.array([[0, 0], [6, 6], [6, 0], [0, 6]], np.float64)
  twice = np.concatenate([square(0.5, 5.5), square(0.5, 5.5)])
  found = contours.self_crossing(
    [eight, square(0.5, 5.5), square(1, 4, turn=True), twice], 8
  )
  assert found.tolist() == [True, False, False, True]


@pytest.mark.parametrize(("first", "second", "partly"), [
    (square(0.5, 5.5), square(1.5, 3.5), False),
    (square(0.5, 3.5), square(2.5, 5.5), True),
    (square(0.5, 1.5), square(3.5, 5.5), False),
    (square(0.5, 3.0), square(3.0, 5.5), True),  # They share a border's voxel.
    (square(-9.0, 3.5), square(2.5, 99.0), True),
])  # fmt: skip
def test_partial_overlap(first, second, partly):
  zero = np.zeros(2, np.int64)
  assert contours.partly_overlapping(
    [first, second], zero, zero, (7, 8)
  ) == int(partly)


def test_edges_in_batches_are_all_edges():
  draw = np.random.default_rng(3)
  rings = [draw.uniform(-5, 25, (n, 2)) for n in (3, 50, 4, 7)]
  edges = _rings.edges(rings)
  parts = list(_rings.batches(edges, 20, most=30))
  assert len(parts) > 3
  for name in ("ring", "row", "column", "row_end", "column_end"):
    joined = np.concatenate([getattr(part, name) for part in parts])
    np.testing.assert_array_equal(joined, getattr(edges, name))


def test_batches_make_no_difference(monkeypatch):
  draw = np.random.default_rng(4)
  rings = [draw.uniform(-5, 25, (n, 2)).round(1) for n in (3, 50, 4, 7)]
  whole = contours.fill(rings, [0, 1, 1, 2], (3, 22, 20))
  crossing = contours.self_crossing(rings, 20)
  monkeypatch.setitem(_rings.batches.__kwdefaults__, "most", 16)
  monkeypatch.setattr(_crossings, "_MOST_CROSSINGS", 600)
  parts = contours.fill(rings, [0, 1, 1, 2], (3, 22, 20))
  np.testing.assert_array_equal(parts, whole)
  np.testing.assert_array_equal(contours.self_crossing(rings, 20), crossing)
  assert crossing.any()
