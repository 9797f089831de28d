"""Augmentation: image and mask alike, by chance, and never mirrored."""

import functools

import jax
import numpy as np
import pytest
import scipy.ndimage

from jaxseg import errors
from jaxseg.training import _augment
from tests.quick import jit

SIZE = (24, 20)
WINDOW = (-200.0, 400.0)


@functools.cache
def compiled(strengths):
  return jit(
    functools.partial(_augment.augment, dict(strengths), window_hu=WINDOW)
  )


def augment(images, labels, key=0, first=0, **strengths):
  of = compiled(tuple(strengths.items()))
  found = of(jax.random.key(key), images, labels, first=first)
  return jax.device_get(found)


def made(n=4):
  """Slices with a blob each, bright where the mask is."""
  row, column = np.ogrid[: SIZE[0], : SIZE[1]]
  near = [(row - 9 - k) ** 2 + (column - 8) ** 2 < 20 for k in range(n)]
  labels = np.stack(near).astype(np.uint8)
  draw = np.random.default_rng(0)
  images = draw.integers(-150, 50, labels.shape) + np.int64(300) * labels
  return images.astype(np.int16), labels


ALL = {kind: usual for kind, (usual, _) in _augment.KINDS.items()}
MOVES = {k: ALL[k] for k in ("shift", "scale", "rotation", "elastic")}


def places(strengths, keys=None):
  """Where each pixel comes from."""
  keys = jax.random.split(jax.random.key(3), 64) if keys is None else keys

  def of(keys):
    return _augment._places(strengths, _augment._drawn(keys), keys, SIZE)

  return np.asarray(jit(of)(keys))


def test_image_and_mask_move_alike_as_scipy_moves_them():
  images, labels = made()
  key = jax.random.fold_in(jax.random.key(5), _augment._STREAM)
  keys = jax.vmap(lambda k: jax.random.fold_in(key, k))(np.arange(4))
  at = places(MOVES, keys)
  found, masks = augment(images, labels, key=5, **MOVES)
  assert (masks.dtype, found.dtype) == (np.uint8, np.float32)
  for k in range(4):
    for given, got in ((images, found), (labels, masks)):
      expected = scipy.ndimage.map_coordinates(
        given[k].astype(np.float64), at[k], order=1, mode="nearest"
      )
      if given is labels:
        sure = abs(expected - 0.5) > 1e-3
        assert sure.mean() > 0.99
        np.testing.assert_array_equal(got[k][sure], (expected >= 0.5)[sure])
      else:
        np.testing.assert_allclose(got[k], expected, atol=0.05)
  assert not np.array_equal(masks, labels)


def test_places_are_what_the_strengths_say():
  middle = (np.array(SIZE) - 1)[:, None, None] / 2
  grid = np.stack(np.meshgrid(*map(np.arange, SIZE), indexing="ij")) - middle
  far = np.hypot(*grid)
  turned = places({"rotation": 10.0}) - middle
  reach = np.hypot(turned[:, 0], turned[:, 1])
  np.testing.assert_allclose(reach, np.stack([far] * 64), atol=1e-4)
  angle = np.arccos((turned * grid).sum(1)[:, far > 5] / far[far > 5] ** 2)
  assert 8 < np.degrees(angle).max() < 10.1
  ratio = np.hypot(*(places({"scale": 0.25}) - middle).swapaxes(0, 1))[
    :, far > 1
  ]
  ratio = ratio / far[far > 1]
  assert ratio.min() > 0.79 and ratio.max() < 1.26
  assert ratio.min() < 0.85 and ratio.max() > 1.15
  moved = places({"shift": 0.1}) - middle - grid
  assert np.ptp(moved, (2, 3)).max() < 1e-4
  assert 1.5 < abs(moved).max() <= 2.001 and moved.min() < 0 < moved.max()


def test_nothing_is_mirrored_or_folded():
  # The map's Jacobian determinant is positive at every pixel.
  at = places(MOVES)
  down, right = np.gradient(at, axis=2), np.gradient(at, axis=3)
  area = down[:, 0] * right[:, 1] - down[:, 1] * right[:, 0]
  assert area.min() > 0.2
  strongest = places({"elastic": _augment.KINDS["elastic"][1]})
  down, right = np.gradient(strongest, axis=2), np.gradient(strongest, axis=3)
  area = down[:, 0] * right[:, 1] - down[:, 1] * right[:, 0]
  assert (area > 0).mean() > 0.99


def test_a_slice_has_its_own_numbers_wherever_its_batch_is_cut():
  images, labels = made()
  whole = augment(images, labels, **ALL)
  part = augment(images[2:], labels[2:], first=2, **ALL)
  for a, b in zip(whole, part, strict=True):
    np.testing.assert_allclose(a[2:], b, rtol=1e-6, atol=1e-4)
  again = augment(images, labels, **ALL)
  other = augment(images, labels, key=1, **ALL)
  for a, b, c in zip(whole, again, other, strict=True):
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)
  same = augment(images[:1].repeat(4, 0), labels[:1].repeat(4, 0), **ALL)
  assert len({slice.tobytes() for slice in same[0]}) == 4


def test_grey_values_keep_the_mask_and_the_window():
  images, labels = made()
  found, masks = augment(images, labels, gamma=1.0)
  np.testing.assert_array_equal(masks, labels)
  grey = (images.astype(np.float64) + 200) / 600
  power = np.log((found + 200) / 600) / np.log(grey)
  for k in range(4):
    assert np.ptp(power[k]) < 1e-3 and 0.5 < power[k].mean() < 2
  ends = np.where(labels, np.int16(2000), np.int16(-1000))
  found, _ = augment(ends, labels, gamma=1.0)
  np.testing.assert_allclose(found, np.where(labels, 400, -200), atol=1e-3)
  noisy, masks = augment(images, labels, noise=30.0)
  np.testing.assert_array_equal(masks, labels)
  spread = (noisy - images).std((1, 2))
  assert spread.max() < 33 and spread.min() > 0 and np.ptp(spread) > 1


def test_neighbouring_slices_move_together():
  images, labels = made()
  stack = np.stack([images, images + 7, images], 1)
  for kinds in (MOVES, {"gamma": 1.0}):  # Those of other tests, compiled.
    found, masks = augment(stack, labels, **kinds)
    alone, expected = augment(images, labels, **kinds)
    assert found.shape == stack.shape
    np.testing.assert_array_equal(masks, expected)
    np.testing.assert_allclose(found[:, 0], alone, atol=1e-3)
    np.testing.assert_allclose(found[:, 2], alone, atol=1e-3)


def test_names_and_strengths():
  assert _augment.parse(["all"]) == ALL
  assert _augment.parse(["none"]) == {}
  turned = _augment.parse(["all", "rotation:5"])
  assert turned == {**ALL, "rotation": 5.0}
  assert _augment.parse(["noise:5", "shift"]) == {"noise": 5.0, "shift": 0.05}
  for names, text in (
    (["flip"], "'flip' is unknown"),
    (["all:2"], "all:2 is unclear"),
    (["none", "shift"], "give none alone"),
    (["all", "all"], "all,all is unclear"),
    ([], "empty; give kinds"),
    (["shift", "shift:0.1"], "named twice"),
    (["shift:far"], "no number"),
    (["shift:nan"], "more than 0"),
    (["rotation:0"], "more than 0"),
    (["elastic:1"], "at most 0.04"),
    ([""], "'' is unknown"),
  ):
    with pytest.raises(errors.ConfigError, match=text):
      _augment.parse(names)
