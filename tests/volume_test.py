"""Grids and volumes: places by hand, and moves that lose no voxel."""

import itertools
import pathlib

import hypothesis
from hypothesis import strategies as st
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import volume

ORDERS = [
  (axes, signs)
  for axes in itertools.permutations(range(3))
  for signs in itertools.product((1, -1), repeat=3)
]
EYE = np.eye(4)


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


def stack(heights, *, rows=4, columns=5, spacing=(2.0, 1.5), **options):
  """An axial stack of slices at given heights."""
  positions = np.array([[-10.0, -20.0, z] for z in heights])
  row, column = np.array([0, spacing[0], 0]), np.array([spacing[1], 0, 0])
  return volume.Grid(positions, row, column, rows, columns, **options)


def stored_otherwise(source, axes, signs):
  """The same voxels with axes exchanged and some running the other way."""
  array = source.array.transpose(axes)
  array = array[tuple(slice(None, None, sign) for sign in signs)]
  affine = source.affine.copy()
  affine[:3, :3] = source.affine[:3, axes] * signs
  ends = np.where(np.array(signs) < 0, np.array(array.shape) - 1, 0)
  affine[:3, 3] += source.affine[:3, axes] @ ends
  return volume.Volume.from_affine(array, affine)


class TestGrid:
  def test_from_an_affine_and_back(self):
    affine = oblique()
    grid = volume.Grid.from_affine((4, 5, 6), affine)
    assert grid.shape == (4, 5, 6) and grid.is_even
    np.testing.assert_array_equal(grid.affine, affine)  # To the last bit.
    np.testing.assert_allclose(
      grid.positions[2], affine[:3, 3] + 2 * affine[:3, 0]
    )
    np.testing.assert_array_equal(grid.row_step, affine[:3, 1])
    np.testing.assert_array_equal(grid.column_step, affine[:3, 2])
    np.testing.assert_allclose(grid.spacing, (3.0, 2.0, 1.5))
    assert grid.voxel_ml == pytest.approx(3.0 * 2.0 * 1.5 / 1000)

  def test_the_affine_given_is_copied(self):
    affine = np.eye(4)
    grid = volume.Grid.from_affine((2, 2, 2), affine)
    affine[0, 3] = 99.0
    assert grid.affine[0, 3] == 0.0

  def test_a_stack_of_slices(self):
    grid = stack([30, 33, 36])
    np.testing.assert_array_equal(grid.normal, [0, 0, 1])
    np.testing.assert_array_equal(grid.distances, [0, 3, 6])
    assert grid.gap == 3.0 and grid.is_even
    assert grid.spacing == (3.0, 2.0, 1.5)
    expected = [[0, 0, 1.5, -10], [0, 2, 0, -20], [3, 0, 0, 30], [0, 0, 0, 1]]
    np.testing.assert_allclose(grid.affine, expected)

  def test_a_sheared_stack_keeps_its_shear(self):
    grid = stack([0, 3, 6])
    grid.positions[:, 1] += [0, 1, 2]
    # Whether or not anyone has asked for the affine before.
    assert grid.spacing[0] == pytest.approx(np.sqrt(10))  # Along the slices,
    np.testing.assert_allclose(grid.affine[:3, 0], [0, 1, 3])
    assert grid.spacing[0] == pytest.approx(np.sqrt(10))
    assert grid.gap == 3.0  # and across them.
    assert grid.voxel_ml == pytest.approx(3.0 * 2.0 * 1.5 / 1000)

  @pytest.mark.parametrize(
    ("heights", "even"),
    [
      ([0, 3, 6.029], True),  # Within 1 %.
      ([0, 3, 6.031], False),
      ([0, 0.1, 0.209], True),  # Within 0.01 mm.
      ([0, 0.1, 0.211], False),
      ([0, 3, 9, 12], False),
      ([5], True),
    ],
  )
  def test_even(self, heights, even):
    assert stack(heights, thickness=2.0).is_even == even

  def test_uneven_slices_have_positions_but_no_affine(self):
    grid = stack([0, 3, 9, 12])
    assert grid.gap == 3.0 and grid.spacing == (3.0, 2.0, 1.5)
    assert grid.voxel_ml == pytest.approx(3.0 * 2.0 * 1.5 / 1000)
    with pytest.raises(errors.GeometryError, match="3 to 6 mm apart"):
      _ = grid.affine

  def test_the_gap_is_a_distance_that_occurs(self):
    assert stack([0, 3, 9]).gap == 3.0  # Of two, the lower.

  def test_a_single_slice_takes_its_thickness(self):
    grid = stack([5], thickness=2.5)
    assert grid.gap == 2.5 and grid.spacing[0] == 2.5
    np.testing.assert_allclose(grid.affine[:3, 0], [0, 0, 2.5])
    np.testing.assert_array_equal(grid.distances, [0])
    with pytest.raises(errors.GeometryError, match="SliceThickness"):
      _ = stack([5]).gap

  @pytest.mark.parametrize(
    ("heights", "at", "index"),
    [
      ([0, 3, 6], [0, 1.4, 1.5, 1.6, 7.4, 7.6, -1.6], [0, 0, 0, 1, 2, -1, -1]),
      # Across a gap each slice keeps its half of the usual spacing.
      ([0, 3, 12, 15], [4.4, 4.6, 10.4, 10.6], [1, -1, -1, 2]),
      ([0, 3, 7], [5.1, 4.9, 9.1, 8.9], [2, 1, -1, 2]),
    ],
  )
  def test_nearest(self, heights, at, index):
    assert stack(heights).nearest(np.array(at)).tolist() == index

  def test_nearest_of_a_single_slice(self):
    grid = stack([5], thickness=2.0)
    assert grid.nearest(np.array([-1.1, -0.9, 0.9, 1.1])).tolist() == [
      -1,
      0,
      0,
      -1,
    ]

  def test_index_coordinates_to_millimetres(self):
    grid = stack([0, 3, 9])
    np.testing.assert_allclose(
      grid.lps(2, [[0, 0], [1, 2.5]]), [[-10, -20, 9], [-6.25, -18, 9]]
    )

  @pytest.mark.parametrize(("off", "same"), [(0.009, True), (0.02, False)])
  def test_coinciding_even_grids(self, off, same):
    moved = oblique()
    moved[:3, 3] += [off, 0, 0]
    one, other = (
      volume.Grid.from_affine((4, 5, 6), affine)
      for affine in (oblique(), moved)
    )
    assert one.coincides(other) == other.coincides(one) == same

  def test_a_spacing_slightly_off_adds_up(self):
    wide = oblique()
    wide[:3, 2] *= 1.001
    for columns, same in ((6, True), (60, False)):
      one, other = (
        volume.Grid.from_affine((4, 5, columns), affine)
        for affine in (oblique(), wide)
      )
      assert one.coincides(other) == same

  def test_coinciding_uneven_grids(self):
    grid = stack([0, 3, 9, 12])
    assert grid.coincides(stack([0, 3, 9.005, 12]))
    assert not grid.coincides(stack([0, 3, 9.02, 12]))
    assert not grid.coincides(stack([0, 3, 6, 9]))
    assert not grid.coincides(stack([0, 3, 9, 12], rows=5))
    assert not grid.coincides(stack([0, 3, 9, 12], spacing=(2.01, 1.5)))


class TestVolume:
  @pytest.mark.parametrize(
    ("array", "affine", "text"),
    [
      (np.zeros((2, 2)), np.eye(4), "shape"),
      (np.zeros((2, 2, 2)), np.eye(3), "4, 4"),
      (np.zeros((2, 2, 2)), np.zeros((4, 4)), "singular"),
      (np.zeros((2, 2, 2)), np.full((4, 4), np.nan), "finite"),
      (np.zeros((2, 0, 2)), np.eye(4), "with voxels"),
      (np.zeros((2, 2)), None, "shape"),
    ],
  )
  def test_what_is_no_volume_is_refused(self, array, affine, text):
    with pytest.raises(errors.GeometryError, match=f"^a.nii: .*{text}"):
      volume.Volume.from_affine(array, affine, source=pathlib.Path("a.nii"))

  def test_the_grid_must_have_the_arrays_shape(self):
    grid = volume.Grid.from_affine((2, 2, 2), np.eye(4))
    with pytest.raises(errors.GeometryError, match="its grid"):
      volume.Volume(np.zeros((2, 2, 3)), grid)

  def test_spacing_follows_the_array_axes(self):
    made = volume.Volume.from_affine(np.zeros((2, 3, 4)), oblique())
    np.testing.assert_allclose(made.spacing, (3.0, 2.0, 1.5))
    assert made.shape == (2, 3, 4)
    assert made.placed is made.grid

  def test_other_values_must_have_the_same_shape(self):
    made = volume.Volume.from_affine(np.zeros((2, 2, 2)), np.eye(4))
    other = made.with_array(np.ones((2, 2, 2), np.bool_))
    assert other.grid is made.grid and other.array.all()
    with pytest.raises(errors.GeometryError, match="resample"):
      made.with_array(np.zeros((1, 2, 2)))

  def test_no_geometry(self):
    made = volume.Volume.from_affine(
      np.zeros((2, 2, 2)), None, source=pathlib.Path("a.npy")
    )
    assert made.grid is None and made.with_array(made.array).grid is None
    for ask in (
      lambda: made.placed,
      lambda: made.affine,
      lambda: made.spacing,
      lambda: volume.reorder(made, volume.Grid.from_affine((2, 2, 2), EYE)),
    ):
      with pytest.raises(errors.GeometryError, match="^a.npy: .*no geometry"):
        ask()


class TestReorder:
  @pytest.mark.parametrize(("axes", "signs"), ORDERS)
  def test_every_order_of_axes(self, axes, signs):
    source = ramp((3, 4, 5), oblique())
    other = stored_otherwise(source, axes, signs)
    back = volume.reorder(other, source.grid)
    np.testing.assert_array_equal(back.array, source.array)
    assert back.grid is source.grid

  def test_of_a_cube_the_places_decide(self):
    source = ramp((3, 3, 3), oblique())
    other = stored_otherwise(source, (2, 0, 1), (1, -1, 1))
    back = volume.reorder(other, source.grid)
    np.testing.assert_array_equal(back.array, source.array)

  def test_other_voxels_are_none(self):
    source = ramp((3, 4, 5), oblique())
    moved = oblique()
    moved[:3, 3] += 0.5
    for shape, affine in (((3, 4, 5), moved), ((3, 4, 6), oblique())):
      grid = volume.Grid.from_affine(shape, affine)
      assert volume.reorder(source, grid) is None

  def test_uneven_slices_can_only_stay(self):
    grid = stack([0, 3, 9])
    source = volume.Volume(np.arange(60.0).reshape(3, 4, 5), grid)
    same = volume.reorder(source, stack([0, 3, 9]))
    np.testing.assert_array_equal(same.array, source.array)
    assert volume.reorder(source, stack([9, 3, 0])) is None

  def test_the_source_is_kept(self):
    source = volume.Volume.from_affine(
      np.zeros((2, 3, 4)), EYE, source=pathlib.Path("a.nii")
    )
    assert volume.reorder(source, source.grid).source == source.source


class TestPaste:
  def test_by_hand(self):
    array = np.arange(6).reshape(2, 3)
    found = volume.paste(array, (3, 3), (1, -1), -7)
    np.testing.assert_array_equal(found, [[-7] * 3, [1, 2, -7], [4, 5, -7]])

  def test_beyond_is_fill_alone(self):
    found = volume.paste(np.ones((2, 2), np.int16), (2, 2), (2, 0), 3)
    assert (found == 3).all() and found.dtype == np.int16
    assert (volume.paste(np.ones((2, 2)), (2, 2), (0, -2), 3) == 3).all()

  def test_axes_before_stay(self):
    array = np.arange(24).reshape(2, 3, 4)
    found = volume.paste(array, (2, 2), (-1, -1), 0)
    np.testing.assert_array_equal(found, array[:, 1:, 1:3])

  @hypothesis.given(
    st.tuples(*[st.integers(1, 4)] * 3),
    st.tuples(*[st.integers(1, 5)] * 3),
    st.tuples(*[st.integers(-5, 5)] * 3),
  )
  def test_every_voxel_is_where_it_belongs(self, shape, size, at):
    array = 1 + np.arange(np.prod(shape)).reshape(shape)
    found = volume.paste(array, size, at, 0)
    for index in itertools.product(*map(range, size)):
      old = tuple(i - a for i, a in zip(index, at, strict=True))
      inside = all(0 <= i < n for i, n in zip(old, shape, strict=True))
      assert found[index] == (array[old] if inside else 0)


class TestCopy:
  @pytest.mark.parametrize(("axes", "signs"), ORDERS)
  def test_every_order_cropped_and_padded(self, axes, signs):
    source = ramp((4, 5, 6), oblique())
    at = (1, -2, 1)  # The target begins one slice and column in, two rows out.
    affine = oblique()
    affine[:3, 3] += affine[:3, :3] @ at
    target = volume.Volume.from_affine(
      volume.paste(source.array, (3, 8, 7), [-a for a in at], 0.0), affine
    )
    other = stored_otherwise(source, axes, signs)
    found = volume.copy(other.array, other.grid, target.grid)
    np.testing.assert_array_equal(found, target.array)

  @pytest.mark.parametrize("off", [0.01, 0.3])
  def test_centres_must_coincide(self, off):
    source = ramp((3, 4, 5), oblique())
    affine = oblique()
    affine[:3, 3] += off * affine[:3, 2]
    found = volume.copy(
      source.array, source.grid, volume.Grid.from_affine((3, 4, 5), affine)
    )
    assert (found is not None) == (off < 0.02)

  def test_another_spacing_is_refused(self):
    source = ramp((3, 4, 5), oblique())
    affine = oblique()
    affine[:3, 2] *= 0.5
    grid = volume.Grid.from_affine((3, 4, 10), affine)
    assert volume.copy(source.array, source.grid, grid) is None

  def test_uneven_slices_go_one_by_one(self):
    array = 1 + np.arange(60).reshape(3, 4, 5)
    found = volume.copy(array, stack([3, 9, 12]), stack([0, 3, 6, 9, 12]))
    expected = np.zeros((5, 4, 5), array.dtype)
    expected[[1, 3, 4]] = array
    np.testing.assert_array_equal(found, expected)

  def test_empty_slices_need_no_place(self):
    array = 1 + np.arange(60).reshape(3, 4, 5)
    uneven = stack([3, 9, 12]), stack([0, 3, 12])
    assert volume.copy(array, *uneven) is None
    array[1] = 0
    found = volume.copy(array, *uneven)
    np.testing.assert_array_equal(found[1:], array[[0, 2]])

  def test_two_slices_never_become_one(self):
    array = np.ones((3, 4, 5), np.bool_)
    assert volume.copy(array, stack([0, 0.02, 3]), stack([0, 3, 9])) is None

  def test_a_single_slice_of_a_sheared_stack(self):
    target = stack([0, 3, 6])
    target.positions[:, 1] += [0, 1, 2]
    source = stack([3], thickness=3.0)
    source.positions[:, 1] += 1
    array = 1 + np.arange(20).reshape(1, 4, 5)
    found = volume.copy(array, source, target)
    np.testing.assert_array_equal(found[1], array[0])
    assert not found[[0, 2]].any()


class TestResample:
  def test_to_the_same_grid_changes_nothing(self):
    source = ramp((4, 5, 6), oblique())
    found = volume.resample(source, source.grid)
    np.testing.assert_allclose(found.array, source.array, rtol=1e-5, atol=1e-3)

  def test_points_stay_in_the_patient(self):
    source = ramp((9, 10, 11), oblique())
    target = oblique()
    target[:3, :3] *= 0.5  # Finer, starting well within the source.
    target[:3, 3] += oblique()[:3, :3] @ np.array([2.0, 2.0, 2.0])
    found = volume.resample(source, volume.Grid.from_affine((6, 7, 8), target))
    expected = ramp((6, 7, 8), target).array
    np.testing.assert_allclose(found.array, expected, rtol=1e-5, atol=1e-2)

  def test_what_lies_outside_is_filled(self):
    source = volume.Volume.from_affine(np.ones((2, 2, 2)), EYE)
    far = np.eye(4)
    far[:3, 3] = 100.0
    grid = volume.Grid.from_affine((2, 2, 2), far)
    found = volume.resample(source, grid, fill=-5.0)
    np.testing.assert_array_equal(found.array, -5.0)
    mask = source.with_array(np.ones((2, 2, 2), np.bool_))
    assert not volume.resample(mask, grid).array.any()

  def test_masks_take_the_nearest_voxel(self):
    mask = np.random.default_rng(0).random((3, 4, 5)) < 0.5
    source = volume.Volume.from_affine(mask, oblique())
    affine = oblique()
    affine[:3, :3] /= 2
    affine[:3, 3] -= affine[:3, :3] @ np.full(3, 0.5)
    grid = volume.Grid.from_affine((6, 8, 10), affine)
    found = volume.resample(source, grid)
    assert found.array.dtype == np.bool_ and found.grid is grid
    np.testing.assert_array_equal(
      found.array, mask.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    )

  def test_uneven_slices_are_refused(self):
    source = volume.Volume(np.zeros((3, 4, 5)), stack([0, 3, 9]))
    with pytest.raises(errors.GeometryError, match="no\\s+affine"):
      volume.resample(source, stack([0, 3, 6]))
    with pytest.raises(errors.GeometryError, match="no\\s+affine"):
      volume.resample(ramp((3, 4, 5), EYE), stack([0, 3, 9]))


def test_masked_arrays_are_refused():
  array = np.ma.masked_array(np.ones((2, 3, 4)), False)
  with pytest.raises(TypeError, match="array is a masked array"):
    volume.Volume(array, None)
