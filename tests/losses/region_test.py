"""Overlap losses: by hand, slice by slice, at large and empty slices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import losses
from tests.quick import jit

dice = jit(losses.dice, static_argnames=("axis", "squared", "smooth"))


def test_by_hand():
  # One slice of two pixels, both predicted, one right: 1 - (2 + 1)/(3 + 1).
  logits = jnp.full((1, 1, 2, 1), 50.0)
  labels = jnp.array([1.0, 0.0]).reshape(1, 1, 2, 1)
  assert dice(logits, labels)[0, 0] == pytest.approx(0.25)
  assert dice(logits, labels, smooth=1e-5)[0, 0] == pytest.approx(
    1 / 3, abs=1e-5
  )
  # p = 1/2 in both: plain 1 - 2/3, squared 1 - 2/(1/2 + 1 + 1).
  half = jnp.zeros((1, 1, 2, 1))
  assert dice(half, labels)[0, 0] == pytest.approx(1 / 3)
  assert dice(half, labels, squared=True)[0, 0] == pytest.approx(0.2)


def test_slices_and_structures_do_not_mix():
  generator = np.random.default_rng(0)
  logits = jnp.asarray(generator.normal(size=(3, 5, 4, 2)), jnp.float32)
  labels = (logits > 0.5).astype(jnp.float32)
  together = dice(logits, labels)
  assert together.shape == (3, 2)
  for n in range(3):
    for c in range(2):
      alone = dice(
        logits[n : n + 1, ..., c : c + 1], labels[n : n + 1, ..., c : c + 1]
      )
      np.testing.assert_allclose(together[n, c], alone[0, 0], rtol=1e-6)
  # Other axes: all of a structure's pixels, or a volume's slices.
  assert dice(logits, labels, axis=(0, 1, 2)).shape == (2,)
  volume = dice(logits[None], labels[None])
  np.testing.assert_allclose(volume[0], together, rtol=1e-6)


def test_an_absent_structure():
  labels = jnp.zeros((1, 8, 8, 1))
  silent = dice(jnp.full(labels.shape, -50.0), labels)
  np.testing.assert_allclose(silent, 0, atol=1e-6)
  # One pixel predicted by mistake: 1 - s / (1 + s).
  one = jnp.full((1, 8, 8, 1), -50.0).at[0, 2, 3, 0].set(50.0)
  for smooth in (1.0, 3.0):
    found = dice(one, labels, smooth=smooth)
    assert found[0, 0] == pytest.approx(1 / (1 + smooth))
  gradient = jit(jax.grad(lambda z: jnp.sum(losses.dice(z, labels))))(labels)
  assert (gradient > 0).all()  # It says: less of it, everywhere.


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16], ids=str)
def test_large_slices_of_half_precision(dtype):
  # 262144 pixels are more than float16 holds and bfloat16 can count.
  shape = (1, 512, 512, 1)
  logits = jnp.full(shape, 9.0, dtype)
  labels = jnp.ones(shape, dtype)
  both = jax.value_and_grad(lambda z: jnp.sum(losses.dice(z, labels)))
  found, gradient = jit(both)(logits)
  assert found == pytest.approx(6.17e-5, rel=0.02)  # Not nan, not 0.
  assert gradient.dtype == dtype
  assert jnp.isfinite(gradient).all()


def test_errors_weigh_as_said():
  # One pixel right, one false positive, two false negatives.
  logits = jnp.array([50.0, 50.0, -50.0, -50.0]).reshape(1, 1, 4, 1)
  labels = jnp.array([1.0, 0.0, 1.0, 1.0]).reshape(1, 1, 4, 1)
  how = {"fp_weight": 0.5, "fn_weight": 2.0, "smooth": 3.0}

  @jit
  def every(z, t):
    return (
      losses.tversky(z, t, **how),
      losses.focal_tversky(z, t, exponent=2.0, **how),
      losses.jaccard(z, t, smooth=3.0),
      losses.log_cosh_dice(z, t, smooth=3.0),
    )

  index = 1 - (1 + 3) / (1 + 0.5 + 2 * 2 + 3)
  overlap = 1 - (2 + 3) / (5 + 3)
  expected = [index, index**2, 1 - (1 + 3) / (4 + 3), np.log(np.cosh(overlap))]
  np.testing.assert_allclose(
    np.ravel(every(logits, labels)), expected, rtol=1e-6
  )


def test_no_smoothing():
  logits = jnp.array([-1.0, 2.0, 0.5, -3.0]).reshape(1, 1, 4, 1)
  labels = jnp.array([0.0, 1.0, 1.0, 0.0]).reshape(1, 1, 4, 1)
  p, t = 1 / (1 + np.exp(-np.ravel(logits))), np.ravel(labels)
  both = (p * t).sum()
  for loss, score in (
    (losses.dice, 2 * both / (p.sum() + t.sum())),
    (losses.jaccard, both / (p.sum() + t.sum() - both)),
  ):
    found = loss(logits, labels, smooth=0)
    np.testing.assert_allclose(found[0, 0], 1 - score, rtol=1e-6)
    # Nothing there and nothing predicted: no loss, no NaN.
    total = jit(
      jax.value_and_grad(
        lambda z, f=loss: jnp.sum(f(z, 0 * labels, smooth=0.0))
      )
    )
    for z in (-200.0, -39.0, 0.0):
      value, slope = total(np.full((1, 1, 4, 1), z, np.float32))
      assert value == pytest.approx(float(z > -100), abs=1e-6)
      assert np.isfinite(slope).all()


def test_smoothing_of_numerator_and_denominator():
  logits = jnp.array([-1.0, 2.0, 0.5, -3.0]).reshape(1, 1, 4, 1)
  labels = jnp.array([0.0, 1.0, 1.0, 0.0]).reshape(1, 1, 4, 1)
  p, t = 1 / (1 + np.exp(-np.ravel(logits))), np.ravel(labels)
  both, square = (p * t).sum(), (p * p).sum()
  for above, below in ((0.0, 1e-5), (0.5, 2.0), (2.0, 2.0)):
    how = {"smooth": (above, below)}
    for found, expected in (
      (losses.dice(logits, labels, **how),
       1 - (2 * both + above) / (p.sum() + t.sum() + below)),
      (losses.dice(logits, labels, squared=True, **how),
       1 - (2 * both + above) / (square + t.sum() + below)),
      (losses.jaccard(logits, labels, **how),
       1 - (both + above) / (p.sum() + t.sum() - both + below)),
      (losses.tversky(logits, labels, fp_weight=0.5, fn_weight=0.5, **how),
       1 - (both + above) / ((p.sum() + t.sum()) / 2 + below)),
    ):  # fmt: skip
      np.testing.assert_allclose(found[0, 0], expected, rtol=1e-5)
