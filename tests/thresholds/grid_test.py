"""The grid is rounded once, and one rule cuts everywhere."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import thresholds


def test_every_quotient_is_rounded_once():
  for n in (2, 3, 256, 1001, 4097):
    expected = [np.float32(k / (n - 1)) for k in range(n)]
    found = thresholds.grid(n)
    assert found.dtype == np.float32
    assert isinstance(found, np.ndarray)
    np.testing.assert_array_equal(found, expected)
  assert len(thresholds.grid()) == 1001


@pytest.mark.parametrize("n", [1, 0, -3, 2.5])
def test_grid_of_one_is_refused(n):
  with pytest.raises(errors.ConfigError, match=f"n is {n}; give"):
    thresholds.grid(n)


def test_binarize_is_numpys_comparison_of_float32():
  cuts = thresholds.grid()
  near = np.concatenate(
    [
      cuts,
      np.nextafter(cuts, np.float32(2)),
      np.nextafter(cuts, np.float32(-1)),
    ]
  )
  for cut in cuts[::50]:
    expected = near >= cut
    np.testing.assert_array_equal(thresholds.binarize(near, cut), expected)
    jitted = jax.jit(thresholds.binarize)(near, cut)
    np.testing.assert_array_equal(jitted, expected)
  # A Python number takes the array's type: 0.7 means float32(0.7).
  p = np.float32([0.7])
  assert bool(thresholds.binarize(p, 0.7)[0])
  assert not float(p[0]) >= 0.7


def test_binarize_reads_bytes_as_u_over_255():
  u = np.arange(256, dtype=np.uint8)
  p = (np.arange(256) / 255).astype(np.float32)
  for cut in p:
    found = jax.jit(thresholds.binarize)(u, cut)
    np.testing.assert_array_equal(found, p >= cut)


def test_binarize_broadcasts_thresholds():
  p = np.float32([[0.1, 0.6], [0.4, 0.9]])
  assert thresholds.binarize(p, np.float32([0.5, 0.6])).tolist() == [
    [False, True],
    [False, True],
  ]
  each = thresholds.binarize(p[..., None], thresholds.grid(5))
  assert each.shape == (2, 2, 5)


def test_binarize_rounds_float64_first_and_keeps_nan_out():
  # Nearer to float32(0.3) than to any other, though below it.
  p = np.float64([float(np.float32(0.3)) - 1e-12, np.nan])
  assert thresholds.binarize(p, 0.3).tolist() == [True, False]
  assert thresholds.binarize(p, -np.inf).tolist() == [True, False]


def test_binarize_refuses_integers():
  with pytest.raises(TypeError, match=r"int32.*uint8"):
    thresholds.binarize(jnp.arange(3, dtype=jnp.int32), 0.5)


def test_nothing_is_at_or_above_nan_of_any_sign():
  p = np.float32([0.2, 0.9])
  for bits in (0x7FC00000, 0xFFC00000):  # The latter is 0 / 0 on x86.
    cut = np.array([bits], np.uint32).view(np.float32)
    assert not thresholds.binarize(p, cut).any()
    assert not jax.jit(thresholds.binarize)(p, cut).any()
