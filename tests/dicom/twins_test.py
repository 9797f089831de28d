"""Contours stored twice: told from those that make a ring on purpose."""

import numpy as np
import pytest

from jaxseg import contours
from jaxseg import dicom
from tests.dicom.ct_double import ct_series
from tests.dicom.rt_double import square
from tests.dicom.rt_double import structure_set

NOTE = "duplicate-contour"
HEIGHTS = (33, 36, 39)


@pytest.fixture
def image(tmp_path):
  # x = -10 + column, y = -20 + 1.5 row, z = 30 + 3 slice.
  ct_series(tmp_path / "ct", shape=(5, 30, 24), spacing=(3.0, 1.5, 1.0))
  return dicom.read_ct(tmp_path / "ct")


def masked(tmp_path, rings, image):
  path = structure_set(tmp_path / "rt.dcm", {"a": rings})
  return dicom.read_rtstruct(path).mask("a", image)


def codes(made):
  return {note.code for note in made.notes}


def circle(z, radius=6.0, points=40):
  turn = np.linspace(0, 2 * np.pi, points, endpoint=False)
  x, y = 1.3 + radius * np.cos(turn), -1.7 + radius * np.sin(turn)
  return np.stack([x, y, np.full(points, z)], axis=1)


def with_middle(ring):
  """One more point, in the middle of the first edge."""
  return np.insert(ring, 1, ring[:2].mean(axis=0), axis=0)


@pytest.mark.parametrize("draw", [circle, square])
@pytest.mark.parametrize(
  "copied",
  [
    with_middle,
    lambda ring: np.add(ring, (0.0004, 0, 0)),
    lambda ring: np.add(ring, (-0.005, 0.005, 0)),
    lambda ring: np.add(ring, (0, 0, 0.004)),
    lambda ring: np.roll(with_middle(ring)[::-1], 2, axis=0).round(2),
  ],
)
def test_a_copy_of_other_bytes_does_not_cancel(tmp_path, image, draw, copied):
  rings = [draw(z) for z in HEIGHTS]
  alone = masked(tmp_path, rings, image)
  assert alone.array[1:4].any((1, 2)).all() and alone.notes == ()
  once = masked(tmp_path, [*rings, copied(rings[1])], image)
  np.testing.assert_array_equal(once.array, alone.array)
  (note,) = once.notes
  assert note.code == NOTE and note.text.startswith("1 contours")
  assert once.unknown == ()
  copies = [copied(ring) for ring in rings]
  all_twice = masked(tmp_path, [*rings, *copies], image)
  np.testing.assert_array_equal(all_twice.array, alone.array)
  assert all_twice.notes[0].text.startswith("3 contours")


@pytest.mark.parametrize("wall", [1.0, 0.3, 0.03])
def test_a_thin_wall_stays_a_ring(tmp_path, image, wall):
  inner = circle(33, 6 - wall)
  made = masked(tmp_path, [circle(33), inner], image)
  filled = masked(tmp_path, [circle(33)], image).array
  hole = masked(tmp_path, [inner], image).array
  np.testing.assert_array_equal(made.array, filled & ~hole)
  assert NOTE not in codes(made)


def test_a_wall_of_small_pixels_stays_a_ring(tmp_path):
  # Less than 0.01 mm thick, yet nearly half a pixel.
  ct_series(tmp_path / "ct", shape=(3, 30, 24), spacing=(3.0, 0.02, 0.02))
  image = dicom.read_ct(tmp_path / "ct")
  ring = square(33, -9.904, -9.704, y=-19.904)
  inner = square(33, -9.896, -9.712, y=-19.896)
  made = masked(tmp_path, [ring, inner], image)
  assert NOTE not in codes(made)


@pytest.mark.parametrize("order", [[0, 2, 1, 3], [0, 1, 3, 2]])
def test_the_same_corners_in_another_order_are_no_copy(tmp_path, image, order):
  rings = [square(33, -0.2, 6.2), square(33, -0.2, 6.2)[order]]
  made = masked(tmp_path, rings, image)
  alone = masked(tmp_path, rings[:1], image)
  assert NOTE not in codes(made)
  assert 0 < made.array.sum() < alone.array.sum()


def test_a_hole_and_its_copy_leave_the_hole(tmp_path, image):
  rings = [circle(33), circle(33, 3)]
  plain = masked(tmp_path, rings, image).array
  copies = [with_middle(ring) + 0.001 for ring in rings]
  made = masked(tmp_path, [*rings, *copies], image)
  np.testing.assert_array_equal(made.array, plain)
  assert codes(made) == {NOTE}


def test_random_polygons_and_their_copies(tmp_path, image):
  rng = np.random.default_rng(3)
  for _ in range(5):
    rings = []
    for z in HEIGHTS:
      for _ in range(3):
        flat = rng.uniform([-9, -19], [12, 22], (rng.integers(3, 9), 2))
        rings.append(np.column_stack([flat, np.full(len(flat), z)]))
    alone = masked(tmp_path, rings, image)
    assert NOTE not in codes(alone)
    # More points on the edges, moved by less than a copy may be.
    copies = [
      np.roll(np.repeat(ring, 2, axis=0), 1, axis=0)
      + rng.uniform(-0.003, 0.003, (2 * len(ring), 3))
      for ring in map(with_middle, rings)
    ]
    made = masked(tmp_path, [*rings, *copies], image)
    assert f"{len(rings)} contours" in str(made.notes)
    np.testing.assert_array_equal(made.array, alone.array)


def test_many_small_contours_of_one_slice_are_told_apart(tmp_path, image):
  # Their boxes follow each other more closely than copies do.
  steps = [(i, j) for i in range(40) for j in range(40)]
  at = [(-9 + 0.4 * i + 0.007 * j, -19 + 0.4 * j + 0.007 * i) for i, j in steps]
  dots = [square(33, x, x + 0.2, y=y) for x, y in at]
  path = structure_set(tmp_path / "rt.dcm", {"a": [*dots, dots[7] + 0.001]})
  made = dicom.read_rtstruct(path).mask("a", image)
  (note,) = [note for note in made.notes if note.code == NOTE]
  assert note.text.startswith("1 contours")
  rows = [(ring[:, 1::-1] + [20, 10]) / [1.5, 1] for ring in dots]
  expected = contours.fill(rows, [1] * len(rows), image.shape)
  np.testing.assert_array_equal(made.array, expected)
