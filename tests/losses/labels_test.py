"""Labels: checked where known, class numbers, what to ignore, soft ones."""

import functools

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
  jax.eval_shape(lambda: losses.dice(LOGITS, labels))  # Not refused.


WHERE = np.random.default_rng(3).random((*SHAPE[:-1], 1)) < 0.7
# What each dtype may hold to be ignored, and what none of its labels is.
IGNORED = (
  ("uint8", 255, WHERE),
  ("int8", -1, WHERE),
  ("float32", 255, WHERE),
  ("uint8", -1, np.ones_like(WHERE)),
)


@functools.cache
def ignored():
  """Each loss where labels are ignored, and where a mask leaves these out."""

  def one(loss, z, dtype, ignore, where):
    labels = np.where(where, LABELS, ignore).astype(dtype)
    return loss(z, labels, ignore=ignore), loss(z, LABELS, where=where)

  # Labels of a closure are checked while the logits are traced.
  every = jit(
    lambda z: {n: [one(f, z, *how) for how in IGNORED] for n, f in ALL.items()}
  )
  return every(LOGITS)


@pytest.mark.parametrize("name", ALL)
def test_what_is_ignored_does_not_count(name):
  for found, expected in ignored()[name]:
    np.testing.assert_allclose(found, expected, rtol=1e-6)
  for dtype, ignore, where in IGNORED[:3]:
    labels = np.where(where, LABELS, ignore).astype(dtype)
    with pytest.raises(ValueError, match=f"labels hold {ignore}"):
      ALL[name](LOGITS, labels)


@functools.cache
def of_numbers():
  """Losses of class numbers of which one is left out, in four ways."""
  where, byte = NUMBERS != 1, np.where(NUMBERS != 1, NUMBERS, 255)

  def one(loss, z, t):
    loss = functools.partial(loss, z, activation="softmax")
    return (
      loss(ONE_HOT, where=where[..., None]),
      loss(NUMBERS, where=where),
      loss(NUMBERS, ignore=1),
      loss(byte.astype(np.uint8), ignore=255),
      loss(t, ignore=1),
    )

  every = jit(lambda z, t: {n: one(ALL[n], z, t) for n in of("activation")})
  return every(LOGITS, NUMBERS)


@pytest.mark.parametrize("name", of("activation"))
def test_class_numbers_are_one_hot_labels(name):
  loss, how = ALL[name], {"activation": "softmax"}
  expected, *others = of_numbers()[name]
  for found in others:
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
    loss(LOGITS, NUMBERS, where=(NUMBERS != 1)[0], **how)


@pytest.mark.parametrize("name", [*of("activation"), "softmax_cross_entropy"])
def test_classes_on_another_axis_are_refused_where_it_shows(name):
  how = {"activation": "softmax"} if takes(name, "activation") else {}
  logits, labels = (np.moveaxis(v, -1, 1) for v in (LOGITS, ONE_HOT))
  with pytest.raises(ValueError, match=r"one-hot along axis 1.*moveaxis"):
    ALL[name](logits, labels, **how)
  with pytest.raises(ValueError, match="classes seem to be axis 1"):
    ALL[name](logits, NUMBERS, **how)
  jax.eval_shape(lambda: ALL[name](LOGITS, ONE_HOT, **how))


def test_soft_labels_are_the_least_of_a_loss_or_refused():
  # One pixel of each label, and its loss at 401 probabilities.
  t = np.array([0.0, 0.1, 0.25, 0.5, 0.9, 1.0], np.float32)
  p = np.linspace(0.0025, 0.9975, 400, dtype=np.float32)
  z = np.log(p / (1 - p))
  refused = {name for name in ALL if refuses_soft(name)}
  assert refused == {"lovasz", "lovasz_hinge", "lovasz_sigmoid"}
  logits = np.zeros((p.size, t.size, 1, 1, 2), np.float32)
  logits[..., 1] = z[:, None, None, None]
  both = logits.copy()
  both[..., 0] = -z[:, None, None, None]
  labels = np.zeros(logits.shape, np.float32)
  labels[..., 1] = t[:, None, None]
  labels[..., 0] = 1 - labels[..., 1]

  @jit
  def every(logits, both):  # One channel is as the other of two sigmoids.
    return {
      name: jax.vmap(loss)(logits if _of_classes(name) else both, labels)
      for name, loss in ALL.items()
      if name not in refused
    }

  for name, found in every(logits, both).items():
    total = np.asarray(found).reshape(p.size, t.size, -1).sum(-1)
    best = p[np.argmin(total, axis=0)]
    np.testing.assert_allclose(best, t, atol=0.004, err_msg=name)


def _of_classes(name):
  """Whether a loss takes a softmax where nothing else is said."""
  if name in OF_EXCLUSIVE:
    return True
  if not takes(name, "activation"):
    return False
  try:
    ALL[name](LOGITS[..., :1], LABELS[..., :1])
  except ValueError:  # Of one class it would be constant.
    return True
  return False


def test_focal_of_soft_labels():
  # The cross entropy at a label of 1/4; 0 and no slope at the label itself.
  logits = np.log(np.array([1, 1 / 3, 3], np.float32))
  labels = np.full(3, 0.25, np.float32)

  @jit
  def every(z):
    def total(z, gamma):
      return jnp.sum(losses.focal(z, labels, gamma=gamma))

    return (
      losses.binary_cross_entropy(z, labels),
      losses.focal(z, labels, gamma=0),
      losses.focal(z, labels, gamma=2, alpha=0.4),
      [jax.grad(total)(z, gamma) for gamma in (0.5, 2.0)],
    )

  entropy, plain, focal, slopes = every(logits)
  np.testing.assert_allclose(plain, entropy, rtol=1e-6)
  p = np.array([0.5, 0.25, 0.75])
  np.testing.assert_allclose(
    focal,
    (0.25 * 0.4 + 0.75 * 0.6) * (p - 0.25) ** 2 * entropy,
    rtol=1e-5,
    atol=1e-9,
  )
  for slope in slopes:
    assert np.isfinite(slope).all()
    assert slope[0] > 0 and slope[2] > 0


@pytest.mark.parametrize("name", [*of("activation"), "boundary", *OF_EXCLUSIVE])
def test_a_softmax_of_one_class_is_refused(name):
  loss = ALL.get(name, losses.boundary)
  how = {} if name in OF_EXCLUSIVE else {"activation": "softmax"}
  for labels in (LABELS[..., :1], NUMBERS):
    with pytest.raises(ValueError, match="one class, whose softmax is 1"):
      loss(LOGITS[..., :1], labels, **how)


@pytest.mark.parametrize(
  ("dtype", "ignore"),
  [
    (np.uint32, 2**32 - 1),
    (np.int64, 2**31),
    (np.int64, 2**32 + 1),
    (np.uint8, 255),
    (np.int32, -1),
  ],
)
def test_any_integer_can_be_ignored(dtype, ignore):
  """An error of labels beyond the classes names `ignore` as the remedy."""
  labels = np.array([[[ignore, 1], [0, 1]]], dtype)
  logits = np.random.default_rng(0).normal(size=(1, 2, 2, 2)).astype("f4")
  other = np.where(labels == np.asarray(ignore, dtype), 0, labels)
  known = losses.softmax_cross_entropy(
    logits, other.astype(np.int32), where=other == labels
  )
  found = losses.softmax_cross_entropy(logits, labels, ignore=ignore)
  np.testing.assert_allclose(found, known, rtol=1e-6)
