"""Deep supervision: weights, masks, coarser labels, what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import losses
from tests.losses.registered import batch
from tests.quick import jit


def halved(array):
  """Rows and columns in pairs: `[N, H / 2, 2, W / 2, 2, C]`."""
  n, rows, columns, classes = array.shape
  return array.reshape(n, rows // 2, 2, columns // 2, 2, classes)


def test_deep_supervision_is_a_weighted_mean():
  logits, labels = batch()
  coarse = halved(logits).mean((2, 4))
  found = losses.deep_supervision(
    losses.dice, [logits, coarse], labels, weights=[3, 1]
  )
  fine = losses.dice(logits, labels)
  rough = losses.dice(coarse, halved(labels).mean((2, 4)))
  np.testing.assert_allclose(found, 0.75 * fine + 0.25 * rough, rtol=1e-6)


def test_deep_supervision_of_some_pixels():
  logits, labels = batch()
  coarse = halved(logits).mean((2, 4))
  keep = np.ones((2, 8, 8, 1), np.bool_)
  keep[:, 2:4] = keep[:, :, 0] = False
  found = losses.deep_supervision(
    losses.dice,
    [jnp.where(keep, logits, jnp.nan), coarse],
    jnp.where(keep, labels, jnp.nan),
    where=keep,
  )
  # The second row of coarse pixels has none that counts; the first column's
  # see the right half of what they cover.
  parts = halved(np.array(labels))
  shrunk = parts.mean((2, 4))
  shrunk[:, :, 0] = parts[:, :, :, 0, 1].mean(2)
  rows = np.array([True, False, True, True]).reshape(1, 4, 1, 1)
  fine = losses.dice(logits, labels, where=keep)
  rough = losses.dice(coarse, shrunk, where=rows)
  np.testing.assert_allclose(found, fine * 2 / 3 + rough / 3, rtol=1e-5)


def test_a_loss_of_every_pixel_is_told_to_reduce():
  logits, labels = batch()
  loss = losses.binary_cross_entropy
  with pytest.raises(ValueError, match="one that reduces over the pixels"):
    losses.deep_supervision(loss, [logits, logits[:, ::2, ::2]], labels)


def test_outputs_and_weights_that_do_not_fit():
  logits, labels = batch()
  for outputs, weights, said in (
    ([], None, "no outputs"),
    ([logits], [1, 1], "do not fit 1"),
    ([logits[:, :3]], None, "does not divide"),
    ([logits, logits[0]], None, "does not divide"),
    ([logits, logits[:1]], None, "same cases and classes"),
    ([logits, logits[..., :1]], None, "same cases and classes"),
  ):
    with pytest.raises(ValueError, match=said):
      losses.deep_supervision(losses.dice, outputs, labels, weights=weights)


def test_deep_supervision_by_numpys_float64():
  logits, labels = batch()
  outputs = [logits, logits[:, ::2, ::2]]
  found = losses.deep_supervision(
    losses.dice, outputs, np.asarray(labels, np.float64)
  )
  assert found.dtype == jnp.float32
  np.testing.assert_array_equal(
    found, losses.deep_supervision(losses.dice, outputs, labels)
  )


def test_labels_may_be_of_the_nearest_pixel():
  logits, labels = batch()
  found = losses.deep_supervision(
    losses.lovasz_hinge,
    [logits, logits[:, ::2, ::2]],
    labels,
    downsample="nearest",
  )
  fine = losses.lovasz_hinge(logits, labels)
  rough = losses.lovasz_hinge(logits[:, ::2, ::2], labels[:, 1::2, 1::2])
  np.testing.assert_allclose(found, fine * 2 / 3 + rough / 3, rtol=1e-6)
  with pytest.raises(errors.ConfigError, match="downsample 'max' is unknown"):
    losses.deep_supervision(losses.dice, [logits], labels, downsample="max")


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit])
def test_averaged_labels_are_refused_by_a_loss_of_hard_ones(wrap):
  logits, labels = batch()

  def loss(labels):
    return losses.deep_supervision(
      lambda z, t: losses.lovasz(z, t).mean(),
      [logits, logits[:, ::2, ::2]],
      labels,
    )

  with pytest.raises(ValueError, match='needs 0 or 1; .*downsample="nearest"'):
    wrap(loss)(labels)
  # At the finest resolution they are what they are.
  losses.deep_supervision(losses.lovasz, [logits], labels)


def test_focal_moves_a_half_covered_pixel():
  labels = np.array([1.0, 0.0]).reshape(1, 1, 2, 1).repeat(2, axis=1)
  fine, coarse = np.zeros((1, 2, 2, 1)), np.full((1, 1, 1, 1), 1.0)

  def loss(z):
    return losses.deep_supervision(
      lambda z, t, **how: losses.focal(z, t, gamma=0.0, **how).mean(),
      [fine, z],
      labels,
      weights=[0, 1],
    )

  # p - t, as of cross entropy.
  slope = jit(jax.grad(loss))(coarse.astype(np.float32))
  np.testing.assert_allclose(
    slope.item(), 1 / (1 + np.exp(-1)) - 0.5, rtol=1e-5
  )


def test_class_numbers_become_shares_of_classes():
  logits, labels = batch()
  numbers = np.argmax(np.asarray(labels), -1)
  one_hot = np.eye(3, dtype=np.float32)[numbers]
  outputs = [logits, logits[:, ::4, ::4]]
  where = numbers != 1
  found = losses.deep_supervision(
    losses.generalized_dice, outputs, numbers, where=where
  )
  expected = losses.deep_supervision(
    losses.generalized_dice, outputs, one_hot, where=where[..., None]
  )
  np.testing.assert_array_equal(found, expected)
  with pytest.raises(ValueError, match="labels hold 5 at"):
    losses.deep_supervision(losses.generalized_dice, outputs, numbers + 5)


def test_weights_may_be_traced():
  logits, labels = batch()
  outputs = [logits, logits[:, ::2, ::2]]

  def loss(weights):
    return losses.deep_supervision(
      losses.dice, outputs, labels, weights=weights
    )

  np.testing.assert_allclose(
    jax.jit(loss)(jnp.array([3.0, 1.0])), loss([3, 1]), rtol=1e-6
  )
  with pytest.raises(ValueError, match="not all 0"):
    loss(jnp.zeros(2))
