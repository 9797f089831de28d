"""Labels: checked where known, class numbers, what to ignore, soft ones."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import losses
from tests.losses.registered import ALL
from tests.losses.registered import batch
from tests.losses.registered import of
from tests.losses.registered import refuses_soft
from tests.losses.registered import SHAPE
from tests.losses.registered import takes
from tests.quick import jit

LOGITS, LABELS = (np.array(v) for v in batch())
NUMBERS = np.argmax(LABELS, -1)
ONE_HOT = np.eye(3, dtype=np.float32)[NUMBERS]
# Always of a softmax.
OF_EXCLUSIVE = [name for name in ALL if name.startswith("softmax")]


@pytest.mark.parametrize("name", ALL)
def test_known_labels_outside_0_to_1_are_refused(name):
  loss = ALL[name]
  for wrong in (255, 2, -1, 1.01, np.nan):
    labels = np.where(LABELS > 0, np.float32(wrong), 0)
    for given in (labels, jnp.asarray(labels)):
      with pytest.raises(ValueError, match=rf"labels hold {wrong}.* at \(0, 0"):
        loss(LOGITS, given)
  with pytest.raises(ValueError, match="labels hold 255 at"):
    loss(LOGITS, (255 * LABELS).astype(np.uint8))
  with pytest.raises(TypeError, match="labels have dtype complex64"):
    loss(LOGITS, LABELS.astype(np.complex64))
  # While logits are traced, labels of a closure are still known.
  labels = jnp.asarray(2 * LABELS)
  for transformed in (jax.jit, jax.vmap, lambda f: jax.grad(_sum(f))):
    with pytest.raises(ValueError, match="labels hold 2.0 at"):
      transformed(lambda z: loss(z.reshape(SHAPE), labels))(LOGITS[None])
  # Traced ones are not.
  jax.eval_shape(loss, LOGITS, jax.ShapeDtypeStruct(SHAPE, jnp.float32))


def _sum(loss):
  return lambda z: jnp.sum(loss(z))


def test_labels_may_miss_0_and_1_by_rounding():
  labels = LABELS * np.float32(1 + 2e-7) - np.float32(2e-7)
  assert np.isfinite(losses.dice(LOGITS, labels)).all()


@pytest.mark.parametrize("name", ALL)
def test_what_is_ignored_does_not_count(name):
  where = np.random.default_rng(3).random((*SHAPE[:-1], 1)) < 0.7
  expected = ALL[name](LOGITS, LABELS, where=where)
  for dtype, ignore in (("uint8", 255), ("int8", -1), ("float32", 255)):
    labels = np.where(where, LABELS, ignore).astype(dtype)
    found = ALL[name](LOGITS, labels, ignore=ignore)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    with pytest.raises(ValueError, match=f"labels hold {ignore}"):
      ALL[name](LOGITS, labels)
  # One that the dtype cannot hold is in no label.
  found = ALL[name](LOGITS, LABELS.astype(np.uint8), ignore=-1)
  np.testing.assert_allclose(found, ALL[name](LOGITS, LABELS), rtol=1e-6)


@pytest.mark.parametrize("name", of("activation"))
def test_class_numbers_are_one_hot_labels(name):
  loss, how = ALL[name], {"activation": "softmax"}
  where = NUMBERS != 1
  expected = loss(LOGITS, ONE_HOT, where=where[..., None], **how)
  for found in (
    loss(LOGITS, NUMBERS, where=where, **how),
    loss(LOGITS, NUMBERS, ignore=1, **how),
    loss(LOGITS, np.where(where, NUMBERS, 255).astype(np.uint8), ignore=255,
         **how),
    jax.jit(lambda t: loss(LOGITS, t, ignore=1, **how))(NUMBERS),
  ):  # fmt: skip
    np.testing.assert_allclose(found, expected, rtol=1e-6)
  for labels, said in (
    (NUMBERS + 1, "labels hold 3 at .* there are 3 classes; .* ignore=3"),
    (NUMBERS - 1, "labels hold -1 at"),
    (NUMBERS.astype(np.float32), "shapes differ.*integers"),
    (NUMBERS == 1, "shapes differ.*integers"),
    (NUMBERS[..., None], "shapes differ.*integers"),
  ):
    with pytest.raises(ValueError, match=said):
      loss(LOGITS, labels, **how)
  with pytest.raises(ValueError, match="have 1 class;"):
    loss(LOGITS[..., :1], NUMBERS, activation="none")
  with pytest.raises(ValueError, match="an axis for each of theirs"):
    loss(LOGITS, NUMBERS, where=where[0], **how)


@pytest.mark.parametrize("name", [*of("activation"), "softmax_cross_entropy"])
def test_classes_on_another_axis_are_refused_where_it_shows(name):
  how = {"activation": "softmax"} if takes(name, "activation") else {}
  logits, labels = (np.moveaxis(v, -1, 1) for v in (LOGITS, ONE_HOT))
  with pytest.raises(ValueError, match=r"one-hot along axis 1.*moveaxis"):
    ALL[name](logits, labels, **how)
  with pytest.raises(ValueError, match="classes seem to be axis 1"):
    ALL[name](logits, NUMBERS, **how)
  ALL[name](LOGITS, ONE_HOT, **how)


def test_soft_labels_are_the_least_of_a_loss_or_refused():
  # One pixel of each label, and its loss at 401 probabilities.
  t = np.array([0.0, 0.1, 0.25, 0.5, 0.9, 1.0], np.float32)
  p = np.linspace(0.0025, 0.9975, 400, dtype=np.float32)
  z = np.log(p / (1 - p))
  refused = set()
  for name in ALL:
    if refuses_soft(name):
      refused.add(name)
      continue
    shape = (p.size, t.size, 1, 1, 2)
    logits = np.zeros(shape, np.float32)
    logits[..., 1] = z[:, None, None, None]
    labels = np.zeros(shape, np.float32)
    labels[..., 1] = t[:, None, None]
    labels[..., 0] = 1 - labels[..., 1]
    if not _of_classes(name):  # As a softmax of two classes has them.
      logits[..., 0] = -logits[..., 1]
    found = jit(jax.vmap(ALL[name]))(logits, labels)
    total = np.asarray(found).reshape(p.size, t.size, -1).sum(-1)
    best = p[np.argmin(total, axis=0)]
    np.testing.assert_allclose(best, t, atol=0.004, err_msg=name)
  assert refused == {"lovasz", "lovasz_hinge", "lovasz_sigmoid"}


def _of_classes(name):
  if takes(name, "activation"):
    found = ALL[name](LOGITS, LABELS) - ALL[name](LOGITS + 2, LABELS)
    return np.allclose(found, 0, atol=1e-5)
  return name.startswith("softmax")


def test_focal_of_soft_labels():
  # The cross entropy at a label of 1/4; 0 and no slope at the label itself.
  logits = np.log(np.array([1, 1 / 3, 3], np.float32))
  labels = np.full(3, 0.25, np.float32)
  entropy = losses.binary_cross_entropy(logits, labels)
  np.testing.assert_allclose(
    losses.focal(logits, labels, gamma=0), entropy, rtol=1e-6
  )
  p = np.array([0.5, 0.25, 0.75])
  np.testing.assert_allclose(
    losses.focal(logits, labels, gamma=2, alpha=0.4),
    (0.25 * 0.4 + 0.75 * 0.6) * (p - 0.25) ** 2 * entropy,
    rtol=1e-5,
    atol=1e-9,
  )
  for gamma in (0.5, 2.0):
    slope = jax.grad(
      lambda z, g=gamma: jnp.sum(losses.focal(z, labels, gamma=g))
    )(logits)
    assert np.isfinite(slope).all()
    assert slope[0] > 0 and slope[2] > 0


@pytest.mark.parametrize("name", [*of("activation"), "boundary", *OF_EXCLUSIVE])
def test_a_softmax_of_one_class_is_refused(name):
  loss = ALL.get(name, losses.boundary)
  how = {} if name in OF_EXCLUSIVE else {"activation": "softmax"}
  for labels in (LABELS[..., :1], NUMBERS):
    with pytest.raises(ValueError, match="one class, whose softmax is 1"):
      loss(LOGITS[..., :1], labels, **how)
