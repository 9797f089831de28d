"""What losses do with their inputs: masks, activations, infinities, axes."""

import functools
import inspect

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import losses
from tests.losses.registered import ALL
from tests.losses.registered import shape_of
from tests.losses.registered import takes
from tests.quick import jit

# Losses that take an activation.
ACTIVATED = {
  f.__name__: f
  for f in (*map(losses.get, losses.names()), losses.boundary)
  if "activation" in inspect.signature(f).parameters
}
# Those of them with one value for each class.
BY_CLASS = [n for n in ACTIVATED if n in ALL and len(shape_of(n)) == 2]


SHAPE = (2, 8, 8, 3)


def batch():
  generator = np.random.default_rng(0)
  logits = jnp.asarray(generator.normal(size=SHAPE), jnp.float32)
  return logits, jnp.asarray(generator.random(SHAPE) < 0.3, jnp.float32)


MASKS = {
  "row": np.arange(8)[:, None, None] < 5,  # [H, 1, 1]
  "structure": np.array([True, False, True]),
  "pixel": np.random.default_rng(1).random(SHAPE) < 0.5,
}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("name", ["bce", "bce_dice", "dice"])
def test_a_mask_broadcasts_to_the_labels(name, mask):
  logits, labels = batch()
  loss = losses.get(name)
  chex.assert_trees_all_equal(
    loss(logits, labels, where=MASKS[mask]),
    loss(logits, labels, where=np.broadcast_to(MASKS[mask], SHAPE)),
  )


@functools.cache
def of_a_softmax():
  """Softmax losses with some pixels and classes masked: value and gradient."""
  # Of one pixel no class counts, of the others all but the first.
  where = jnp.ones(SHAPE, bool).at[..., 0].set(False).at[0, 2, 3].set(False)

  def one(loss, z, t):
    def value(z):
      return loss(z, t, activation="softmax", where=where)

    return value(z), jax.grad(lambda z: jnp.sum(value(z)))(z)

  every = jit(
    lambda z, t: {name: one(loss, z, t) for name, loss in ACTIVATED.items()}
  )
  logits, labels = batch()
  found = {None: every(logits, labels)}
  for held in (np.nan, np.inf):
    found[held] = every(*(v.at[0, 2, 3].set(held) for v in (logits, labels)))
  return found


@pytest.mark.parametrize("name", ACTIVATED)
def test_a_softmax_of_masked_pixels_hides_what_they_hold(name):
  clean, *hidden = (found[name] for found in of_a_softmax().values())
  for found in hidden:
    chex.assert_trees_all_equal(found, clean)
  np.testing.assert_array_equal(clean[1][0, 2, 3], 0)
  chex.assert_tree_all_finite(clean)


@functools.cache
def without_a_class():
  """Softmax losses by class: of all of them, and of all but the first."""
  where = jnp.array([False, True, True])

  def one(loss, z, t):
    how = {"activation": "softmax"}
    return loss(z, t, **how), loss(z, t, where=where, **how)

  every = jit(
    lambda z, t: {name: one(ACTIVATED[name], z, t) for name in BY_CLASS}
  )
  logits, labels = batch()
  return every(logits, jax.nn.one_hot(jnp.argmax(labels, -1), 3))


@pytest.mark.parametrize("name", BY_CLASS)
def test_leaving_a_class_out_changes_no_other(name):
  whole, some = without_a_class()[name]
  np.testing.assert_allclose(some[..., 1:], whole[..., 1:], rtol=1e-6)


@pytest.mark.parametrize("name", ACTIVATED)
def test_an_unknown_activation_is_a_setting_that_cannot_work(name):
  logits, labels = batch()
  for activation in ("tanh", "", None):
    text = f"activation {activation!r} is unknown; take one of sigmoid, softm"
    with pytest.raises(errors.ConfigError, match=text):
      ACTIVATED[name](logits, labels, activation=activation)


def test_probabilities_instead_of_logits():
  logits, labels = batch()
  p = jax.nn.sigmoid(logits)
  for loss in (losses.dice, losses.jaccard, losses.tversky, losses.lovasz):
    np.testing.assert_allclose(
      loss(p, labels, activation="none"),
      loss(logits, labels, activation="sigmoid"),
      rtol=1e-6,
    )


@pytest.mark.parametrize(
  "dtype", [jnp.float32, jnp.bfloat16, jnp.float16], ids=lambda d: d.__name__
)
def test_infinitely_wrong_pixels_have_a_gradient(dtype):
  # Right, right, wrong, wrong: as of any other saturated logits.
  logits = jnp.array([1, -1, 1, -1], dtype) * jnp.inf
  labels = jnp.array([1.0, 0.0, 0.0, 1.0])

  @jit
  def gradients(logits, pairs):
    def of(loss, labels, shape=(4,)):
      return jax.grad(
        lambda z: jnp.sum(loss(z.reshape(shape), labels.reshape(shape)))
      )

    return (
      of(losses.binary_cross_entropy, labels)(logits),
      of(losses.focal, labels)(logits),
      of(losses.softmax_cross_entropy, jnp.eye(2), (2, 2))(pairs),
      of(losses.lovasz_hinge, labels, (1, 2, 2, 1))(logits),
    )

  pairs = jnp.array([[jnp.inf, 0], [jnp.inf, 0]], dtype)
  entropy, focal, softmax, hinge = gradients(logits, pairs)
  np.testing.assert_array_equal(entropy, [0, 0, 1, -1])
  np.testing.assert_array_equal(focal, [0, 0, 1, -1])
  np.testing.assert_array_equal(softmax, [[0, 0], [1, -1]])
  assert (hinge[2:] * jnp.array([1, -1]) > 0).any()
  np.testing.assert_array_equal(hinge[:2], 0)


@pytest.mark.parametrize("name", ["dice", "lovasz_hinge", "bce_dice", "combo"])
def test_axes(name):
  logits, labels = batch()
  loss = losses.get(name)
  found = jit(
    lambda z: [loss(z, labels, axis=axis) for axis in (np.int64(1), (-3,))]
  )
  np.testing.assert_array_equal(*found(logits))
  for axis, said in (((5,), "does not fit an array of 4"), ((1, -3), "twice")):
    with pytest.raises(ValueError, match=said):
      loss(logits, labels, axis=axis)


def test_numbers_out_of_range():
  logits, labels = batch()
  for call, said in (
    (lambda: losses.focal(logits, labels, alpha=3), "alpha is 3"),
    (lambda: losses.focal(logits, labels, alpha=np.array([0.1, 0.2, 1.5])),
     r"alpha is \[0.1 0.2 1.5\]"),
    (lambda: losses.binary_cross_entropy(logits, labels, pos_weight=-1),
     "pos_weight is -1"),
    (lambda: losses.binary_cross_entropy(
      logits, labels, pos_weight=np.float32(-1)), "pos_weight is -1"),
    (lambda: losses.binary_cross_entropy(
      logits, labels, pos_weight=np.array([1, np.nan, 1])), "0 or above"),
    (lambda: losses.focal(logits, labels, gamma=-0.5), "gamma is -0.5"),
    (lambda: losses.combo(logits, labels, fn_weight=1.5),
     "fn_weight is 1.5; give 0 to 1"),
    (lambda: losses.tversky(logits, labels, fp_weight=-1), "fp_weight is -1"),
    (lambda: losses.focal_tversky(logits, labels, fn_weight=np.nan),
     "fn_weight is nan"),
    (lambda: losses.softmax_cross_entropy(
      logits, labels, class_weights=jnp.ones(4)), "do not fit 3 classes"),
  ):  # fmt: skip
    with pytest.raises(ValueError, match=said):
      call()
  # Values of JAX are not looked at, for they may be traced.
  np.testing.assert_allclose(
    jit(lambda a: losses.focal(logits, labels, alpha=a))(0.25),
    losses.focal(logits, labels, alpha=0.25),
    rtol=1e-6,
  )


def test_groups_with_the_structure():
  labels = jnp.zeros((2, 4, 4, 2)).at[0, 1, 1, 0].set(0.2)
  assert losses.has_structure(labels).tolist() == [[True, False], [False] * 2]
  where = jnp.ones((1, 4, 4, 1), bool).at[0, 1, 1].set(False)
  assert not losses.has_structure(labels, where=where).any()


@functools.cache
def of_slices():
  """Each loss of a batch, and of its first slice alone."""
  logits, labels = map(np.asarray, batch())

  def one(name, z):
    how = {"axis": (-3, -2)} if takes(name, "axis") else {}
    return ALL[name](z, labels), ALL[name](z[0], labels[0], **how)

  return jit(lambda z: {name: one(name, z) for name in ALL})(logits)


@pytest.mark.parametrize("name", ALL)
def test_the_default_axes_are_of_four_axes_or_more(name):
  logits, labels = batch()
  loss = ALL[name]
  whole, first = of_slices()[name]
  np.testing.assert_allclose(first, whole[0], rtol=1e-5)
  if not takes(name, "axis"):
    return
  for k in ((..., 0), 0, (0, ..., 0)):
    with pytest.raises(ValueError, match=r"default axis \(-3, -2\) is of \[N"):
      loss(logits[k], labels[k])
  with pytest.raises(ValueError, match="default axis"):
    losses.has_structure(labels[0])


@pytest.mark.parametrize("name", [*ALL, "boundary"])
def test_masked_arrays_are_refused(name):
  logits, labels = map(np.asarray, batch())
  loss = ALL.get(name, losses.boundary)
  mask = np.ma.masked_array(labels, labels > 0)
  for given, said in (
    ((mask, labels), "logits"),
    ((logits, mask), "labels|distances"),
  ):
    with pytest.raises(TypeError, match=f"({said}) is a masked array"):
      loss(*given)
  with pytest.raises(TypeError, match="where is a masked array"):
    loss(logits, labels, where=mask > 0)


@pytest.mark.parametrize("name", [*ALL, "boundary"])
def test_byte_order_changes_nothing(name):
  logits, labels = map(np.asarray, batch())
  loss = ALL.get(name, losses.boundary)
  found = loss(logits.astype(">f4"), labels.astype(">f4"))
  np.testing.assert_array_equal(found, loss(logits, labels))


@pytest.mark.parametrize("name", [*ALL, "boundary"])
def test_logits_of_8_bits_are_those_of_32(name):
  logits, labels = batch()
  loss = ALL.get(name, losses.boundary)
  for dtype in (jnp.float8_e4m3fn, jnp.float8_e5m2):
    small = logits.astype(dtype)
    found = loss(small, labels.astype(dtype))
    assert found.dtype == jnp.float32
    expected = loss(small.astype(jnp.float32), labels)
    np.testing.assert_array_equal(found, expected)
  if name != "boundary":
    with pytest.raises(TypeError, match="which has no sign"):
      loss(jnp.abs(logits).astype(jnp.float8_e8m0fnu), labels)


@functools.cache
@pytest.mark.parametrize("name", [*ALL, "boundary"])
def test_nothing_is_promoted_without_being_asked(name):
  logits, _ = batch()
  loss = ALL.get(name, losses.boundary)
  small = logits.astype(jnp.bfloat16)
  # One class each, which fits a softmax and sigmoids.
  labels = jax.nn.one_hot(jnp.argmax(logits[::-1], -1), 3)
  labels = labels.astype(jnp.bfloat16 if name == "boundary" else jnp.bool_)
  mask = jnp.ones((*logits.shape[:-1], 1), bool)
  expected = loss(small, labels, where=mask)
  with jax.numpy_dtype_promotion("strict"):
    found = loss(small, labels, where=mask)
    jax.grad(lambda z: jnp.sum(loss(z, labels, where=mask)))(small)
    if name != "boundary":
      losses.has_structure(labels, where=mask)
  np.testing.assert_array_equal(found, expected)


def of_nothing():
  """Each loss of arrays without a pixel, and its gradients."""

  @jit
  def every(nothing):
    def one(loss, z):
      found, backward = jax.vjp(lambda z: loss(z, jnp.zeros_like(z)), z)
      return found, backward(found)[0]

    return {name: [one(ALL[name], z) for z in nothing] for name in ALL}

  shapes = (0, 8, 8, 3), (2, 0, 8, 3), (2, 8, 0, 3), (2, 8, 8, 0)
  nothing = [np.zeros(shape, np.float32) for shape in shapes]
  return nothing, every(nothing)


@pytest.mark.parametrize("name", ALL)
def test_of_nothing_the_loss_is_0(name):
  nothing, every = of_nothing()
  for array, (found, gradient) in zip(nothing, every[name], strict=True):
    np.testing.assert_array_equal(found, np.zeros(found.shape))
    assert gradient.shape == array.shape
