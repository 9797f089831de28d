"""Numbers that losses take: traced, out of range, one for each class."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import losses
from tests.losses.registered import ALL
from tests.losses.registered import batch
from tests.losses.registered import numbers
from tests.losses.registered import of
from tests.quick import jit

LOGITS, LABELS = (np.array(v) for v in batch())


def test_numbers_may_be_traced():
  some = {name: numbers(name) for name in ALL}
  some["binary_cross_entropy"] = {"pos_weight": 2.0}
  some["focal_alpha"] = {"alpha": 0.25, "gamma": 0.5}

  def every(values):
    return {
      name: jnp.sum(ALL[name](LOGITS, LABELS, **how))
      for name, how in values.items()
    }

  def both(values):
    slopes = jax.grad(lambda v: sum(every(v).values()))(values)
    return every(some), every(values), slopes

  given = jax.tree.map(jnp.float32, some)
  known, found, slopes = jit(both)(given)
  for name, expected in known.items():
    np.testing.assert_allclose(found[name], expected, rtol=1e-5, err_msg=name)
  assert np.isfinite(jax.tree.leaves(slopes)).all()


@pytest.mark.parametrize("name", ALL)
def test_known_numbers_out_of_range_are_refused(name):
  for option in numbers(name):
    for wrong in (-1.0, np.nan, np.inf, np.float32(-1), jnp.float32(-1)):
      with pytest.raises(ValueError, match=f"^{option} is .*; give "):
        ALL[name](LOGITS, LABELS, **{option: wrong})
    with pytest.raises(ValueError, match=f"^{option} of shape .* does not"):
      ALL[name](LOGITS, LABELS, **{option: np.full(5, 0.5)})


@pytest.mark.parametrize("name", of("smooth"))
def test_smoothing_is_one_number_or_two(name):
  loss = ALL[name]
  for smooth, said in (
    ((1.0, 0.0), "in the numerator alone"),
    ((1.0, -1.0), "smooth is -1.0; give 0 or above"),
    ((1.0, 1.0, 1.0), "has 3 numbers"),
  ):
    with pytest.raises(ValueError, match=said):
      loss(LOGITS, LABELS, smooth=smooth)
  np.testing.assert_allclose(
    loss(LOGITS, LABELS, smooth=(2.0, 2.0)), loss(LOGITS, LABELS, smooth=2.0),
    rtol=1e-5,
  )  # fmt: skip


@pytest.mark.parametrize("name", of("class_weights"))
def test_classes_have_weights(name):
  loss, weights = ALL[name], np.array([1.0, 0.0, 2.5])
  labels = np.eye(3, dtype=np.float32)[np.argmax(LABELS, -1)]
  plain = np.asarray(loss(LOGITS, labels))
  found = loss(LOGITS, labels, class_weights=weights)
  assert found.dtype == jnp.float32
  if plain.ndim == 2:  # One for each class.
    np.testing.assert_allclose(found, plain * weights, rtol=1e-6)
  same = loss(LOGITS, labels, class_weights=np.ones(3))
  np.testing.assert_allclose(same, plain, rtol=1e-6)
  for wrong, said in (
    (np.ones(4), "do not fit 3 classes"),
    (np.array([1, -1, 1]), "class_weights is .*; give 0 or above"),
  ):
    with pytest.raises(ValueError, match=said):
      loss(LOGITS, labels, class_weights=wrong)


def test_float64_numbers_leave_a_float32_loss_alone():
  with jax.enable_x64(True):
    for name in ALL:
      how = {k: np.float64(v) for k, v in numbers(name).items()}
      found = jax.eval_shape(lambda f=ALL[name], h=how: f(LOGITS, LABELS, **h))
      assert found.dtype == jnp.float32, name


def test_weights_of_generalized_dice_weigh_classes():
  labels = np.eye(3)[np.argmax(LABELS, -1)]
  p = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)
  both, p, t = ((v).sum((1, 2)) for v in (p * labels, p, labels))
  w = np.array([0.5, 1.0, 2.0]) / t**2
  expected = 1 - 2 * (w * both).sum(-1) / (w * (p + t)).sum(-1)
  found = losses.generalized_dice(
    LOGITS, labels, class_weights=np.array([0.5, 1.0, 2.0]), smooth=0
  )
  np.testing.assert_allclose(found, expected, rtol=1e-5)
