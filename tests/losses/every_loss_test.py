"""What holds for every registered loss: a new one is tested as it comes."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.losses.registered import ALL
from tests.losses.registered import batch
from tests.losses.registered import SHAPE
from tests.losses.registered import shape_of
from tests.losses.registered import takes
from tests.quick import jit

FLOATS = [jnp.float32, jnp.bfloat16, jnp.float16]
HIGHEST = {jnp.float32: 1e30, jnp.bfloat16: 1e30, jnp.float16: 65504.0}


@jit
def evaluate(logits, labels):
  """Value, gradient of its mean, and value mapped over cases, of every loss.

  Logits and labels are dictionaries by the losses' names.
  """

  def one(loss, z, t):
    value, backward = jax.vjp(lambda z: loss(z, t), z)
    (gradient,) = backward(jnp.ones_like(value) / value.size)
    mapped = jax.vmap(loss)(z[:, None], t[:, None])
    return value, gradient, mapped.reshape(value.shape)

  return {name: one(ALL[name], logits[name], labels[name]) for name in ALL}


def evaluate_all(logits, labels):
  """The same logits and labels for every loss."""
  return evaluate(dict.fromkeys(ALL, logits), dict.fromkeys(ALL, labels))


@functools.cache
def values(dtype):
  logits, labels = batch(dtype)
  return evaluate_all(logits, labels)


@functools.cache
def extremes(dtype):
  """Results for constant and saturated logits: what they are of, and they."""
  found = []
  highest = HIGHEST[dtype]
  for logit in (0.0, 1e4, -1e4, highest, -highest):
    for label in (0.0, 1.0):
      logits = jnp.full(SHAPE, logit, dtype)
      result = evaluate_all(logits, np.full(SHAPE, label, np.float32))
      found.append(((logit, label), result))
  return found


@functools.cache
def infinite(dtype, right):
  """Results for infinite logits that are all right, or all wrong."""
  _, labels = batch()
  logits = jnp.where(labels > 0, jnp.inf, -jnp.inf) * (1 if right else -1)
  return evaluate_all(logits.astype(dtype), labels)


@functools.cache
def exclusive():
  """Losses of classes that exclude each other: a softmax ignores a shift."""
  logits, labels = batch()
  shifted = evaluate_all(logits + 2, labels)
  return {
    name
    for name, (value, *_) in values(jnp.float32).items()
    if np.allclose(value, shifted[name][0], rtol=1e-5)
  }


@functools.cache
def of_class_numbers():
  """Losses of exclusive classes: of one-hot labels, and of numbers."""
  logits, labels = batch()
  numbers = np.argmax(np.asarray(labels), -1)
  one_hot = np.eye(SHAPE[-1], dtype=np.float32)[numbers]
  every = one_hot, numbers.astype(np.int64), numbers.astype(np.uint8)
  return jit(
    lambda z: {name: [ALL[name](z, t) for t in every] for name in exclusive()}
  )(logits)


@pytest.mark.parametrize("name", ALL)
def test_losses_of_exclusive_classes_take_class_numbers(name):
  if name not in exclusive():
    logits, labels = batch()
    with pytest.raises(ValueError, match="shapes differ.*or class numbers"):
      ALL[name](logits, np.argmax(np.asarray(labels), -1))
    return
  expected, *others = of_class_numbers()[name]
  for found in others:
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_a_loss_has_a_value_for_each_pixel_or_group(name):
  axes = (2, 8, 5, 3)  # Of different lengths, to tell them apart.
  groups = [(2, 3), (2,)] if takes(name, "axis") else [axes, axes[:-1]]
  assert shape_of(name, axes) in groups


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", FLOATS, ids=lambda d: d.__name__)
def test_results_are_float32_and_the_same_under_transformations(name, dtype):
  logits, labels = batch(dtype)
  plain = ALL[name](logits, labels)
  value, gradient, mapped = values(dtype)[name]
  chex.assert_shape([plain, value], shape_of(name))
  assert plain.dtype == value.dtype == jnp.float32
  assert gradient.dtype == dtype
  np.testing.assert_allclose(value, plain, rtol=1e-5)
  np.testing.assert_allclose(mapped, plain, rtol=1e-5)
  # Half precision is that of the logits; nothing else is lost.
  wide = ALL[name](logits.astype(jnp.float32), labels)
  np.testing.assert_array_equal(plain, wide)


@pytest.mark.parametrize("name", ALL)
def test_labels_may_have_any_dtype(name):
  logits, labels = batch()
  plain = ALL[name](logits, labels)
  for dtype in (jnp.bool_, jnp.uint8, jnp.bfloat16):
    np.testing.assert_array_equal(
      ALL[name](logits, labels.astype(dtype)), plain
    )


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", FLOATS, ids=lambda d: d.__name__)
def test_values_and_gradients_are_finite(name, dtype):
  for of, found in extremes(dtype):
    value, gradient, _ = found[name]
    assert np.isfinite(value).all(), of
    assert np.isfinite(gradient.astype(jnp.float32)).all(), of


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", FLOATS, ids=lambda d: d.__name__)
def test_infinite_logits_are_as_wrong_as_any(name, dtype):
  # A network in float16 overflows beyond 65504.
  for right in (True, False):
    value, gradient, _ = infinite(dtype, right)[name]
    chex.assert_tree_all_finite((value, gradient))
    if right and name not in exclusive():
      np.testing.assert_allclose(value, least()[name], atol=1e-6)


@functools.cache
def least():
  """Values where all is right."""
  _, labels = batch()
  found = evaluate_all(200 * labels - 100, labels)
  return {name: value for name, (value, *_) in found.items()}


@pytest.mark.parametrize("dtype", FLOATS, ids=lambda d: d.__name__)
def test_a_nan_stays_visible(dtype):
  _, labels = batch()
  broken = evaluate_all(jnp.full(SHAPE, jnp.nan, dtype), labels)
  for name, (value, *_) in broken.items():
    assert np.isnan(value).any(), name


STEP = 1e-5
ROWS = np.arange(8)[:, None, None] < 5


@functools.cache
def slopes(masked):
  """Of every loss in float64: value, gradient, and slopes along a direction.

  The gradient is that of the mean, with a mask that of a random weighting; the
  slopes are by this gradient and by a central difference.
  """
  generator = np.random.default_rng(1)
  along = generator.normal(size=SHAPE)

  def one(name, z, t):
    shape = shape_of(name)
    weights = generator.normal(size=shape) if masked else 1 / np.prod(shape)

    def total(z):
      loss = ALL[name](z, t, where=ROWS if masked else None)
      return jnp.sum(weights * loss), loss

    ends = jax.vmap(lambda z: total(z)[0])(
      jnp.stack([z - STEP * along, z + STEP * along])
    )
    by_difference = (ends[1] - ends[0]) / (2 * STEP)
    gradient, value = jax.grad(total, has_aux=True)(z)
    return value, gradient, jnp.sum(gradient * along), by_difference

  with jax.enable_x64(True):
    z, t = (np.asarray(v, np.float64) for v in batch())
    every = jit(lambda z, t: {name: one(name, z, t) for name in ALL})
    return jax.tree.map(np.asarray, every(z, t))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("masked", [False, True])
def test_gradients_are_those_of_the_value(name, masked):
  *_, by_gradient, by_difference = slopes(masked)[name]
  assert by_gradient != 0
  np.testing.assert_allclose(by_gradient, by_difference, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", ALL)
def test_float64_is_float32_with_more_digits(name):
  wide, wide_gradient, *_ = slopes(False)[name]
  assert wide.dtype == wide_gradient.dtype == np.float64
  value, gradient, _ = values(jnp.float32)[name]
  np.testing.assert_allclose(wide, value, rtol=1e-6, atol=1e-7)
  np.testing.assert_allclose(wide_gradient, gradient, rtol=1e-4, atol=1e-7)


def labels_for(name):
  """Labels that the loss can bring its logits to."""
  logits, labels = batch()
  if name not in exclusive():
    return labels
  return jax.nn.one_hot(jnp.argmax(logits, -1), SHAPE[-1])


@functools.cache
def descended():
  """Logits by loss, after 60 and 120 steps of descent from 0."""
  labels = {name: labels_for(name) for name in ALL}
  logits, found = dict.fromkeys(ALL, jnp.zeros(SHAPE)), []
  for k in range(1, 121):
    results = evaluate(logits, labels)
    logits = {n: z - 300 * results[n][1] for n, z in logits.items()}
    if k in (60, 120):
      found.append(logits)
  return found


@pytest.mark.parametrize("name", ALL)
def test_descent_finds_the_labels(name):
  def right(logits):
    found = logits > 0
    if name in exclusive():
      found = jax.nn.one_hot(jnp.argmax(logits, -1), SHAPE[-1])
    return np.array_equal(found, labels_for(name) > 0)

  assert any(right(logits[name]) for logits in descended())


@pytest.mark.parametrize("name", ALL)
def test_wrong_input_is_refused(name):
  logits, labels = batch()
  with pytest.raises(ValueError, match="shapes differ"):
    ALL[name](logits, labels[:1])
  with pytest.raises(TypeError, match="logits has dtype int32; give float"):
    ALL[name](logits.astype(jnp.int32), labels)
  with pytest.raises(TypeError, match="where has dtype float32; give a bool"):
    ALL[name](logits, labels, where=labels)
  for shape in ((8, 4), (5, 1, 1), (1, *SHAPE)):
    with pytest.raises(ValueError, match=r"where \(.*does not broadcast"):
      ALL[name](logits, labels, where=np.ones(shape, np.bool_))


# A mask of pixels, and what it is of: the classes of a softmax go together.
MASKS = {
  "all": np.ones(SHAPE, np.bool_),
  "row": np.broadcast_to(ROWS, SHAPE),
  "structure": np.broadcast_to(np.array([True, False, True]), SHAPE),
  "pixel": np.random.default_rng(1).random(SHAPE) < 0.5,
  "nothing": np.zeros(SHAPE, np.bool_),
}


@jit
def evaluate_where(logits, labels, masks):
  """Value of every loss with a mask, gradients for logits and labels."""

  def one(loss, z, t, where):
    value, backward = jax.vjp(lambda z, t: loss(z, t, where=where), z, t)
    return value, *backward(jnp.ones_like(value))

  return {n: one(ALL[n], logits[n], labels[n], masks[n]) for n in ALL}


def mask_of(name, mask):
  """A mask as the loss takes it, and all that it leaves out."""
  where = MASKS[mask]
  if name in exclusive():
    where = where.any(-1, keepdims=True)
  return where, np.broadcast_to(where, SHAPE)


@functools.cache
def masked(mask, hidden=0.0):
  logits, labels = batch()
  z, t, masks = {}, {}, {}
  for name in ALL:
    where, whole = mask_of(name, mask)
    z[name] = jnp.where(whole, logits, hidden)
    t[name] = jnp.where(whole, labels, hidden)
    masks[name] = where
  return evaluate_where(z, t, masks)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("hidden", [np.nan, np.inf])
@pytest.mark.parametrize("mask", ["row", "structure", "pixel"])
def test_what_is_under_the_mask_reaches_neither_value_nor_gradient(
  name, hidden, mask
):
  clean, spoilt = masked(mask)[name], masked(mask, hidden)[name]
  chex.assert_trees_all_equal(clean, spoilt)
  chex.assert_tree_all_finite(spoilt)
  _, where = mask_of(name, mask)
  for gradient in spoilt[1:]:
    np.testing.assert_array_equal(gradient[~where], 0)
  # Pixels that count keep a gradient of their own.
  counted = np.abs(spoilt[1][where]) > 0
  everywhere = np.all(values(jnp.float32)[name][1] != 0)
  some = name in exclusive() or not everywhere
  assert counted.any() if some else counted.all()


@pytest.mark.parametrize("name", ALL)
def test_a_mask_of_all_pixels_changes_nothing(name):
  value, gradient, _ = masked("all")[name]
  plain, slope, _ = values(jnp.float32)[name]
  chex.assert_trees_all_close(value, plain, rtol=1e-6)
  np.testing.assert_allclose(gradient, slope * plain.size, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ALL)
def test_where_nothing_counts_the_loss_is_0(name):
  np.testing.assert_array_equal(masked("nothing")[name][0], 0)


@functools.cache
def cropped():
  logits, labels = (v[:, :5] for v in batch())
  every = jit(lambda z, t: {name: loss(z, t) for name, loss in ALL.items()})
  return every(logits, labels)


@pytest.mark.parametrize("name", ALL)
def test_masking_rows_is_cropping_them(name):
  found, expected = masked("row")[name][0], cropped()[name]
  if found.shape != expected.shape:  # Single pixels.
    np.testing.assert_array_equal(found[:, 5:], 0)
    found = found[:, :5]
  np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)
