"""What holds for every loss, and what other tools get."""

import functools
import json

import jax
from jax import test_util
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import losses

ALL = {
  "bce": losses.binary_cross_entropy,
  "bce_dice": losses.bce_dice,
  "dice": losses.dice,
  "dice_squared": functools.partial(losses.dice, squared=True),
  "combo": losses.combo,
  "focal": losses.focal,
  "focal_alpha": functools.partial(losses.focal, gamma=0.5, alpha=0.25),
  "focal_tversky": losses.focal_tversky,
  "generalized_dice": functools.partial(
    losses.generalized_dice, activation="sigmoid"
  ),
  "generalized_dice_largest": functools.partial(
    losses.generalized_dice, absent="largest", weights="simple"
  ),
  "jaccard": losses.jaccard,
  "log_cosh_dice": losses.log_cosh_dice,
  "lovasz": losses.lovasz,
  "lovasz_sigmoid": functools.partial(losses.lovasz, activation="sigmoid"),
  "lovasz_hinge": losses.lovasz_hinge,
  "softmax_cross_entropy": losses.softmax_cross_entropy,
  "tversky": losses.tversky,
}
# Of a batch [N, H, W, C]; the others are [N, C].
SHAPES = {
  "bce": (2, 8, 8, 3), "focal": (2, 8, 8, 3), "focal_alpha": (2, 8, 8, 3),
  "softmax_cross_entropy": (2, 8, 8), "generalized_dice": (2,),
  "generalized_dice_largest": (2,),
}  # fmt: skip
# Descent on them finds the labels of overlapping structures.
BINARY = [
  name for name in ALL
  if name not in ("lovasz", "softmax_cross_entropy", "generalized_dice_largest")
]  # fmt: skip
HALF = [jnp.bfloat16, jnp.float16]
SHAPE = (2, 8, 8, 3)


@functools.cache
def compiled(name):
  """A loss, and the gradient of its mean, in one program."""

  def both(logits, labels):
    value = ALL[name](logits, labels)
    return value, jax.grad(lambda z: jnp.mean(ALL[name](z, labels)))(logits)

  return jax.jit(both)


def batch(dtype=jnp.float32):
  generator = np.random.default_rng(0)
  logits = jnp.asarray(generator.normal(size=SHAPE), dtype)
  return logits, jnp.asarray(generator.random(SHAPE) < 0.3, jnp.float32)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", [jnp.float32, *HALF], ids=str)
def test_results_are_float32_and_the_same_under_transformations(name, dtype):
  logits, labels = batch(dtype)
  plain = ALL[name](logits, labels)
  assert plain.dtype == jnp.float32
  assert plain.shape == SHAPES.get(name, (2, 3))
  value, gradient = compiled(name)(logits, labels)
  assert value.dtype == jnp.float32 and gradient.dtype == dtype
  np.testing.assert_allclose(value, plain, rtol=1e-5)
  mapped = jax.vmap(ALL[name])(logits[:, None], labels[:, None])
  np.testing.assert_allclose(mapped.reshape(plain.shape), plain, rtol=1e-5)
  # Half precision is that of the logits; nothing else is lost.
  wide = ALL[name](logits.astype(jnp.float32), labels)
  np.testing.assert_array_equal(plain, wide)


@pytest.mark.parametrize("name", ALL)
def test_float64_and_other_labels_are_welcome(name):
  logits, labels = batch()
  plain = ALL[name](logits, labels)
  with jax.enable_x64(True):
    wide = ALL[name](
      np.asarray(logits, np.float64), np.asarray(labels, np.float64)
    )
    assert wide.dtype == jnp.float64
  np.testing.assert_allclose(wide, plain, rtol=1e-6, atol=1e-7)
  for dtype in (jnp.bool_, jnp.uint8, jnp.bfloat16):
    np.testing.assert_array_equal(
      ALL[name](logits, labels.astype(dtype)), plain
    )


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", [jnp.float32, *HALF], ids=str)
def test_values_and_gradients_are_finite(name, dtype):
  # float16 ends at 65504; the others have room for a sum at 1e30 too.
  largest = 65504.0 if dtype == jnp.float16 else 1e30
  for logit in (0.0, 1e4, -1e4, largest, -largest):
    for label in (0.0, 1.0):
      logits = jnp.full(SHAPE, logit, dtype)
      value, gradient = compiled(name)(logits, jnp.full(SHAPE, label))
      assert np.isfinite(value).all(), (logit, label)
      assert np.isfinite(gradient.astype(jnp.float32)).all(), (logit, label)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("masked", [False, True])
def test_gradients_are_those_of_the_value(name, masked):
  logits, labels = batch()
  where = jnp.arange(8)[:, None, None] < 5 if masked else None
  if name == "lovasz_hinge":  # Away from its kinks.
    logits = logits + jnp.where(labels > 0, -3.0, 3.0)
  loss = jax.jit(lambda z: ALL[name](z, labels, where=where))
  test_util.check_grads(loss, (logits,), 1, ["rev"], atol=0.02, rtol=0.02)


def test_descent_finds_the_labels():
  _, labels = batch()
  for name in BINARY:
    logits = jnp.zeros(SHAPE)
    for _ in range(120 if name.startswith("lovasz") else 60):
      logits -= 300 * compiled(name)(logits, labels)[1]
    np.testing.assert_array_equal(logits > 0, labels > 0, err_msg=name)


def test_wrong_input_is_refused():
  logits, labels = batch()
  for loss in ALL.values():
    with pytest.raises(ValueError, match="shapes differ"):
      loss(logits, labels[:1])
    with pytest.raises(TypeError, match="logits has dtype int32; give float"):
      loss(logits.astype(jnp.int32), labels)


def golden_cases(golden, many=False):
  values = json.loads((golden / "loss_values.json").read_text())["cases"]
  with np.load(golden / "loss_arrays.npz") as arrays:
    for name, case in values.items():
      z, t = arrays[f"{name}__logits"], arrays[f"{name}__labels"]
      classes = z.shape[1]
      if (classes > 1) != many:
        continue
      logits = jnp.moveaxis(jnp.asarray(z), 1, -1)
      if many:
        labels = jax.nn.one_hot(jnp.asarray(t).reshape(logits.shape[:-1]),
                                classes)  # fmt: skip
      else:  # Sigmoid; (item, 1, row, column, ...).
        labels = jnp.asarray(t, jnp.float32).reshape(logits.shape)
      yield name, case["values"], logits, labels


def region_losses(logits, labels, activation, classes=slice(None)):
  """Losses of the Dice family under the golden file's keys."""
  space = tuple(range(1, logits.ndim - 1))
  groups = {"item": space, "batch": (0, *space), "slice": space[:2]}
  found = {}
  for group, axis in groups.items():
    how = {"axis": axis, "activation": activation}
    small = {**how, "smooth": 1e-5}
    t, f = losses.tversky, losses.focal_tversky
    unit = losses.jaccard(logits, labels, **small)
    each = {
      f"jaccard_s1em5_{group}": unit,
      f"tversky_fp0.3_fn0.7_s1em5_{group}": t(logits, labels, **small),
      f"focal_tversky_exp0.75_{group}": f(logits, labels, **small),
      f"log_cosh_dice_s1em5_{group}": losses.log_cosh_dice(
        logits, labels, **small
      ),
    }
    present = jnp.sum(labels, axis) > 0
    for key, smooth in (("s1", 1.0), ("s1em5", 1e-5)):
      for form, squared in (("plain", False), ("squared", True)):
        loss = losses.dice(
          logits, labels, squared=squared, smooth=smooth, **how
        )
        each[f"dice_{form}_{key}_{group}"] = loss
        found[f"dice_{form}_{key}_{group}_present"] = jnp.mean(
          loss[..., classes], where=present[..., classes]
        )
    found |= {k: jnp.mean(v[..., classes]) for k, v in each.items()}
  return found


def generalized(logits, labels):
  """Generalised Dice under the golden file's keys."""
  space = tuple(range(1, logits.ndim - 1))
  activation = "softmax" if logits.shape[-1] > 1 else "sigmoid"
  return {
    f"gdl_{weights}_empty{said}_s1em5_{group}": jnp.mean(
      losses.generalized_dice(
        logits, labels, axis=axis, weights=weights, absent=absent,
        activation=activation,
      )
    )
    for weights in ("square", "simple")
    for said, absent in (("zero", "skip"), ("max", "largest"))
    for group, axis in (("item", space), ("batch", (0, *space)))
  }  # fmt: skip


def distances(labels):
  """Signed distances of one-hot labels, host."""
  moved = np.moveaxis(np.asarray(labels) > 0, -1, 1)
  made = [[losses.signed_distance(m) for m in item] for item in moved]
  return jnp.moveaxis(jnp.asarray(np.stack([np.stack(m) for m in made])), 1, -1)


@jax.jit
def golden_losses(logits, labels, phi):
  """Every value of ours that the golden file has under the same key."""
  space = tuple(range(1, logits.ndim - 1))
  batch_axis = (0, *space)
  found = region_losses(logits, labels, "sigmoid")
  found |= generalized(logits, labels)
  found |= {
    "bce": jnp.mean(losses.binary_cross_entropy(logits, labels)),
    # Theirs is the sum of both.
    "dice_bce_s1em5_item": 2
    * jnp.mean(losses.bce_dice(logits, labels, axis=space, smooth=1e-5)),
    "focal_g2": jnp.mean(losses.focal(logits, labels)),
    "focal_g2_a0.25": jnp.mean(losses.focal(logits, labels, alpha=0.25)),
    "combo_a0.5_b0.5_s1_batch": jnp.mean(
      losses.combo(logits, labels, axis=batch_axis)
    ),
    "boundary_unit": jnp.mean(losses.boundary(logits, phi)),
  }
  for group, axis in (("item", space), ("batch", batch_axis)):
    found[f"lovasz_hinge_{group}"] = jnp.mean(
      losses.lovasz_hinge(logits, labels, axis=axis)
    )
    found[f"lovasz_sigmoid_{group}"] = jnp.mean(
      losses.lovasz(logits, labels, axis=axis, activation="sigmoid")
    )

  def total(z):
    every = region_losses(z, labels, "sigmoid") | generalized(z, labels)
    known = [v for k, v in every.items() if "present" not in k]
    return sum(known) + jnp.sum(losses.lovasz_hinge(z, labels)) + jnp.sum(
      losses.focal(z, labels)
    )  # fmt: skip

  return found, jax.grad(total)(logits)


def test_values_of_other_tools(golden):
  seen = set()
  for name, values, logits, labels in golden_cases(golden):
    phi = distances(labels)
    found, gradient = golden_losses(logits, labels, phi)
    assert np.isfinite(gradient).all(), name
    # Widened again, so that both share a program; see the first test.
    rough = logits.astype(jnp.bfloat16).astype(jnp.float32)
    half, _ = golden_losses(rough, labels, phi)
    for key in found.keys() & values.keys():
      seen.add((name, key))
      said, expected = f"{name} {key}", float(values[key])
      # 5e-7: a few roundings of 1, which small Dice losses are cut from.
      np.testing.assert_allclose(
        found[key], expected, rtol=1e-5, atol=2e-6, err_msg=said
      )
      if "lovasz_hinge" not in key:  # Its errors grow with the logits.
        np.testing.assert_allclose(
          half[key], expected, rtol=2e-2, atol=2e-4, err_msg=said
        )
    assert not values.keys() - found.keys(), name
  assert len({name for name, _ in seen}) == 9


def test_values_of_other_tools_with_classes(golden):
  names = set()
  for name, values, logits, labels in golden_cases(golden, many=True):
    names.add(name)
    found = region_losses(logits, labels, "softmax")
    inner = region_losses(logits, labels, "softmax", slice(1, None))
    found |= {f"{key}_nobg": value for key, value in inner.items()}
    found |= generalized(logits, labels)
    found["ce"] = jnp.mean(losses.softmax_cross_entropy(logits, labels))
    space = tuple(range(1, logits.ndim - 1))
    for group, axis in (("item", space), ("batch", (0, *space))):
      loss = losses.lovasz(logits, labels, axis=axis)
      present = jnp.sum(labels, axis) > 0
      found[f"lovasz_softmax_all_{group}"] = jnp.mean(loss)
      shown = jnp.sum(loss * present, -1) / jnp.maximum(present.sum(-1), 1)
      found[f"lovasz_softmax_present_{group}"] = jnp.mean(shown)
    phi = distances(labels)
    far = losses.boundary(logits, phi, activation="softmax")
    found["boundary_unit"] = jnp.mean(far)
    found["boundary_unit_nobg"] = jnp.mean(far[..., 1:])
    common = found.keys() & values.keys()
    assert len(common) >= 40
    for key in common:
      np.testing.assert_allclose(
        found[key], float(values[key]), rtol=1e-5, atol=2e-6,
        err_msg=f"{name} {key}",
      )  # fmt: skip
  assert len(names) == 8


def test_deep_supervision():
  logits, labels = batch()
  coarse = logits.reshape(2, 4, 2, 4, 2, 3).mean((2, 4))
  found = losses.deep_supervision(
    losses.dice, [logits, coarse], labels, weights=[3, 1]
  )
  shrunk = labels.reshape(2, 4, 2, 4, 2, 3).mean((2, 4))
  expected = 0.75 * losses.dice(logits, labels) + 0.25 * losses.dice(
    coarse, shrunk
  )
  np.testing.assert_allclose(found, expected, rtol=1e-6)
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


def test_probabilities_instead_of_logits():
  logits, labels = batch()
  p = jax.nn.sigmoid(logits)
  for loss in (losses.dice, losses.jaccard, losses.tversky, losses.lovasz):
    np.testing.assert_allclose(
      loss(p, labels, activation="none"),
      loss(logits, labels, activation="sigmoid"),
      rtol=1e-6,
    )
    with pytest.raises(ValueError, match="activation 'tanh'"):
      loss(p, labels, activation="tanh")


@pytest.mark.parametrize("many", [False, True])
def test_values_of_other_tools_in_float64(golden, many):
  activation = "softmax" if many else "sigmoid"
  seen = 0
  for name, values, logits, labels in golden_cases(golden, many=many):
    with jax.enable_x64(True):
      z, t = (np.asarray(v, np.float64) for v in (logits, labels))
      found = region_losses(z, t, activation) | generalized(z, t)
      space = tuple(range(1, z.ndim - 1))
      for group, axis in (("item", space), ("batch", (0, *space))):
        if many:
          loss = losses.lovasz(z, t, axis=axis)
          found[f"lovasz_softmax_all_{group}"] = jnp.mean(loss)
          continue
        found[f"lovasz_hinge_{group}"] = jnp.mean(
          losses.lovasz_hinge(z, t, axis=axis)
        )
        found[f"lovasz_sigmoid_{group}"] = jnp.mean(
          losses.lovasz(z, t, axis=axis, activation="sigmoid")
        )
      if many:
        found["ce"] = jnp.mean(losses.softmax_cross_entropy(z, t))
      else:
        found["bce"] = jnp.mean(losses.binary_cross_entropy(z, t))
        found["focal_g2"] = jnp.mean(losses.focal(z, t))
        found["focal_g2_a0.25"] = jnp.mean(losses.focal(z, t, alpha=0.25))
        found["dice_bce_s1em5_item"] = 2 * jnp.mean(
          losses.bce_dice(z, t, axis=space, smooth=1e-5)
        )
        found["combo_a0.5_b0.5_s1_batch"] = jnp.mean(
          losses.combo(z, t, axis=(0, *space))
        )
      for key in found.keys() & values.keys():
        seen += 1
        assert found[key].dtype == jnp.float64
        np.testing.assert_allclose(
          found[key], float(values[key]), rtol=1e-12, atol=1e-14,
          err_msg=f"{name} {key}",
        )  # fmt: skip
  assert seen > 200


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", [jnp.float32, *HALF], ids=str)
def test_infinite_logits_are_as_wrong_as_any(name, dtype):
  # A network in float16 overflows beyond 65504.
  _, labels = batch()
  for right in (1, -1):
    logits = jnp.where(labels > 0, right * jnp.inf, -right * jnp.inf)
    value, gradient = compiled(name)(logits.astype(dtype), labels)
    assert np.isfinite(value).all() and np.isfinite(gradient).all()
    if right == 1 and name in BINARY and name != "combo":
      np.testing.assert_allclose(value, 0, atol=1e-6)
  broken = jnp.full(SHAPE, jnp.nan, dtype)
  assert np.isnan(ALL[name](broken, labels)).any(), "nan must show"


@pytest.mark.parametrize("dtype", [jnp.float32, *HALF], ids=str)
def test_infinitely_wrong_pixels_have_a_gradient(dtype):
  # Right, right, wrong, wrong: as of any other saturated logits.
  logits = jnp.array([1, -1, 1, -1], dtype) * jnp.inf
  labels = jnp.array([1.0, 0.0, 0.0, 1.0])
  for loss in (losses.binary_cross_entropy, losses.focal):
    gradient = jax.grad(lambda z, loss=loss: jnp.sum(loss(z, labels)))(logits)
    np.testing.assert_array_equal(gradient, [0, 0, 1, -1])
  gradient = jax.grad(
    lambda z: jnp.sum(losses.softmax_cross_entropy(z, jnp.eye(2)))
  )(jnp.array([[jnp.inf, 0], [jnp.inf, 0]], dtype))
  np.testing.assert_array_equal(gradient, [[0, 0], [1, -1]])
  hinge = jax.grad(
    lambda z: jnp.sum(losses.lovasz_hinge(z, labels.reshape(1, 2, 2, 1)))
  )(logits.reshape(1, 2, 2, 1))
  assert (hinge[0, 1, :, 0] * jnp.array([1, -1]) > 0).any()
  np.testing.assert_array_equal(hinge[0, 0], 0)


@pytest.mark.parametrize("loss", [
    losses.dice, losses.jaccard, losses.tversky, losses.focal_tversky,
    losses.log_cosh_dice, losses.lovasz, losses.generalized_dice,
    losses.boundary,
])  # fmt: skip
def test_a_softmax_of_masked_pixels_hides_what_they_hold(loss):
  logits, labels = batch()
  # Of one pixel no class counts, of the others all but the first.
  where = jnp.ones(SHAPE, bool).at[..., 0].set(False).at[0, 2, 3].set(False)

  @jax.jit
  def both(z, t):
    def value(z):
      return loss(z, t, activation="softmax", where=where)

    return value(z), jax.grad(lambda z: jnp.sum(value(z)))(z)

  clean = both(logits, labels)
  for held in (jnp.nan, jnp.inf):
    hidden = (v.at[0, 2, 3].set(held) for v in (logits, labels))
    jax.tree.map(np.testing.assert_array_equal, both(*hidden), clean)
  np.testing.assert_array_equal(clean[1][0, 2, 3], 0)
  assert np.isfinite(clean[0]).all() and np.isfinite(clean[1]).all()


def test_boundary_of_some_classes_and_in_float64():
  logits, phi = batch()
  where = jnp.array([False, True, True])
  found = losses.boundary(logits, phi, activation="softmax", where=where)
  p = jax.nn.softmax(logits, -1)
  expected = np.asarray(p) * np.asarray(phi) * np.asarray(where)
  np.testing.assert_allclose(found, expected, rtol=1e-6)
  with jax.enable_x64(True):
    z, d = np.asarray(logits, np.float64), np.asarray(phi, np.float64) - 0.3
    found = losses.boundary(z, d)
    assert found.dtype == jnp.float64
    np.testing.assert_allclose(found, d / (1 + np.exp(-z)), rtol=1e-12)


@pytest.mark.parametrize("loss", [
    losses.dice, losses.jaccard, losses.tversky, losses.focal_tversky,
    losses.log_cosh_dice, losses.lovasz,
])  # fmt: skip
def test_leaving_a_class_out_changes_no_other(loss):
  logits, labels = batch()
  labels = jax.nn.one_hot(jnp.argmax(labels, -1), 3)
  whole = loss(logits, labels, activation="softmax")
  where = jnp.array([False, True, True])
  some = loss(logits, labels, activation="softmax", where=where)
  np.testing.assert_allclose(some[..., 1:], whole[..., 1:], rtol=1e-6)


def test_generalized_dice_without_the_background():
  logits, labels = batch()
  labels = jax.nn.one_hot(jnp.argmax(labels, -1), 3)
  p = jax.nn.softmax(logits, -1)
  expected = losses.generalized_dice(
    p[..., 1:], labels[..., 1:], activation="none"
  )
  found = losses.generalized_dice(
    logits, labels, where=jnp.array([False, True, True])
  )
  np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_focal_tversky_loss_that_is_small():
  # All but right: 2.1e-5, and a gradient.
  labels = jnp.ones((1, 8, 8, 1))
  logits = jnp.full((1, 8, 8, 1), 14.0)
  p = 1 / (1 + np.exp(-14.0))
  wrong = 64 * 0.7 * (1 - p)
  expected = (wrong / (64 * p + wrong + 1)) ** 0.75
  found = losses.focal_tversky(logits, labels)
  np.testing.assert_allclose(found[0, 0], expected, rtol=1e-5)
  assert np.all(
    jax.grad(lambda z: losses.focal_tversky(z, labels).sum())(logits) < 0
  )


@pytest.mark.parametrize("name", ["dice", "lovasz_hinge", "bce_dice", "combo"])
def test_axes(name):
  logits, labels = batch()
  loss = losses.get(name)
  np.testing.assert_array_equal(
    loss(logits, labels, axis=np.int64(1)), loss(logits, labels, axis=(-3,))
  )
  for axis, said in (((5,), "not of an array of 4"), ((1, -3), "twice")):
    with pytest.raises(ValueError, match=said):
      loss(logits, labels, axis=axis)
  with pytest.raises(ValueError, match="classes' axis"):
    losses.generalized_dice(logits, labels, axis=(1, 2, 3))


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
    (lambda: losses.softmax_cross_entropy(
      logits, labels, class_weights=jnp.ones(4)), "do not fit 3 classes"),
  ):  # fmt: skip
    with pytest.raises(ValueError, match=said):
      call()
  # Values of JAX are not looked at, for they may be traced.
  np.testing.assert_allclose(
    jax.jit(lambda a: losses.focal(logits, labels, alpha=a))(0.25),
    losses.focal(logits, labels, alpha=0.25),
    rtol=1e-6,
  )


def test_signed_distance_by_hand_and_refusals():
  mask = np.array([[False, True, True, True, False]])
  found = losses.signed_distance(mask, (1.0, 0.5))
  np.testing.assert_allclose(found, [[0.5, 0.5, 0, 0.5, 0.5]])
  for bad, spacing, said in (
    (np.zeros((2, 4, 4, 1), bool), None, "4 axes"),
    (mask, (1.0,), "does not fit"),
    (mask, (1.0, 0.0), "does not fit"),
    (mask, (1.0, np.nan), "does not fit"),
    (mask, 2.0, "does not fit"),
  ):
    with pytest.raises(ValueError, match=said):
      losses.signed_distance(bad, spacing)
  with pytest.raises(TypeError, match="int64"):
    losses.signed_distance(mask.astype(np.int64))


def test_deep_supervision_of_some_pixels():
  logits, labels = batch()
  coarse = logits.reshape(2, 4, 2, 4, 2, 3).mean((2, 4))
  keep = jnp.ones((2, 8, 8, 1), bool).at[:, 2:4].set(False).at[:, :, 0].set(
    False
  )  # fmt: skip
  spoiled = jnp.where(keep, labels, jnp.nan)
  found = losses.deep_supervision(
    losses.dice, [jnp.where(keep, logits, jnp.nan), coarse], spoiled, where=keep
  )
  # The second row of coarse pixels has none that counts; the first column's
  # see the right half of what they cover.
  parts = labels.reshape(2, 4, 2, 4, 2, 3)
  shrunk = parts.mean((2, 4)).at[:, :, 0].set(parts[:, :, :, 0, 1].mean(2))
  rows = jnp.array([True, False, True, True]).reshape(1, 4, 1, 1)
  expected = losses.dice(logits, labels, where=keep) * 2 / 3 + (
    losses.dice(coarse, shrunk, where=rows) / 3
  )
  np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_groups_with_the_structure():
  labels = jnp.zeros((2, 4, 4, 2)).at[0, 1, 1, 0].set(0.2)
  assert losses.has_structure(labels).tolist() == [[True, False], [False] * 2]
  where = jnp.ones((1, 4, 4, 1), bool).at[0, 1, 1].set(False)
  assert not losses.has_structure(labels, where=where).any()
