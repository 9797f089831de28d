"""The mask of every loss: what it may be, and that it masks completely."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import losses

ALL = {
  "bce": losses.binary_cross_entropy,
  "bce_dice": losses.bce_dice,
  "dice": losses.dice,
}
SHAPE = (2, 6, 4, 3)
MASKS = {
  "row": np.arange(6)[:, None, None] < 4,  # [H, 1, 1]
  "structure": np.array([True, False, True]),
  "pixel": np.random.default_rng(1).random(SHAPE) < 0.5,
}


def batch():
  generator = np.random.default_rng(0)
  logits = generator.normal(size=SHAPE).astype(np.float32)
  return logits, (generator.random(SHAPE) < 0.3).astype(np.float32)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("name", ALL)
def test_nan_under_the_mask_reaches_neither_value_nor_gradient(name, mask):
  logits, labels = batch()
  where = np.broadcast_to(MASKS[mask], SHAPE)
  spoilt = np.where(where, logits, np.nan), np.where(where, labels, np.nan)

  @jax.jit
  def both(z, t):
    def loss(*x):
      return ALL[name](*x, where=MASKS[mask])

    return loss(z, t), jax.grad(lambda *x: jnp.sum(loss(*x)), (0, 1))(z, t)

  clean, dirty = both(logits, labels), both(*spoilt)
  jax.tree.map(np.testing.assert_array_equal, clean, dirty)
  for gradient in dirty[1]:
    assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(gradient[~where], 0)
  # Pixels that count keep a gradient of their own.
  assert (np.abs(dirty[1][0][where]) > 0).all()


@pytest.mark.parametrize("name", ["dice", "bce_dice"])
def test_masking_rows_is_cropping_them(name):
  logits, labels = batch()
  np.testing.assert_allclose(
    ALL[name](logits, labels, where=MASKS["row"]),
    ALL[name](logits[:, :4], labels[:, :4]),
    rtol=1e-6,
  )


@pytest.mark.parametrize("name", ALL)
def test_where_nothing_counts_the_loss_is_zero(name):
  logits, labels = batch()
  where = np.zeros((1, 1, 1, 1), np.bool_)
  np.testing.assert_array_equal(ALL[name](logits, labels, where=where), 0)


@pytest.mark.parametrize("name", ALL)
def test_masks_that_cannot_be_meant_are_refused(name):
  logits, labels = batch()
  with pytest.raises(TypeError, match="where has dtype float32; give a bool"):
    ALL[name](logits, labels, where=labels)
  for shape in ((6, 4), (5, 1, 1), (1, *SHAPE)):
    with pytest.raises(ValueError, match=r"where \(.*does not broadcast"):
      ALL[name](logits, labels, where=np.ones(shape, np.bool_))
