"""What a step can do beyond Adam's: against NumPy, and off by default."""

import dataclasses
import functools

import jax
import numpy as np
import pytest

from jaxseg import _devices
from jaxseg import losses
from jaxseg import models
from jaxseg import training
from jaxseg.training import _objective
from jaxseg.training import _step
from tests.quick import jit

SIZE = (4, 16, 16)
RATE, WEIGHT = np.float32(0.01), np.float32(1)


@functools.cache
def batch():
  draw = np.random.default_rng(0)
  labels = np.zeros(SIZE, np.uint8)
  labels[:3, 3:9, 5:12] = 1
  return draw.integers(-200, 400, SIZE).astype(np.int16), labels


def forward(**network):
  settings = {"name": "unet", "base": 2, "blocks": 1, **network}
  return models.Forward.of(settings, (-200, 400), (-1, 1))


@functools.cache
def start(options, of):
  init = jit(functools.partial(_step.init, of, options))
  return jax.device_get(init(np.uint32(0), batch()[0]))


@functools.cache
def compiled(options, of):
  return jit(functools.partial(_step.step, of, None, options))


@functools.cache
def steps(options, of, count=3):
  """The states after each of some steps, and their losses."""
  state, found = start(options, of), []
  for _ in range(count):
    state, loss = compiled(options, of)(state, *batch(), RATE, WEIGHT)
    found.append((jax.device_get(state), float(loss)))
  return found


# To rounding: another program may round otherwise.
same_numbers = functools.partial(np.testing.assert_allclose, atol=1e-6)


def leaves(tree):
  return [np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(tree)]


BATCH_NORM = forward(norm="batch")
PLAIN = _step.Options()


def test_averages_are_those_of_the_states_without():
  plain = steps(PLAIN, BATCH_NORM)
  found = steps(_step.Options(ema=0.15), BATCH_NORM)
  mean = leaves(start(PLAIN, BATCH_NORM).variables)
  for number, ((state, loss), (expected, same)) in enumerate(
    zip(found, plain, strict=True)
  ):
    assert loss == pytest.approx(same, rel=1e-6)
    jax.tree.map(same_numbers, state.trained, expected.variables)
    kept = min(0.15, (1 + number) / (10 + number))  # 0.1, then 0.15.
    new = leaves(expected.variables)
    mean = [kept * a + (1 - kept) * b for a, b in zip(mean, new, strict=True)]
    for a, b in zip(leaves(state.variables), mean, strict=True):
      np.testing.assert_allclose(a, b, atol=1e-6)
  assert state.batch_stats and not isinstance(expected, _step.AveragedState)


def test_a_long_gradient_is_shortened_and_a_short_one_is_not():
  moments = steps(PLAIN, BATCH_NORM)[0][0].opt_state
  norm = np.sqrt(sum((10 * m**2).sum() * 10 for m in leaves(moments.mu)))
  short = _step._clipped(moments.mu, float(norm))  # Ten times the gradient's.
  jax.tree.map(np.testing.assert_array_equal, short, moments.mu)
  cut = steps(_step.Options(clip_norm=float(norm / 4)), BATCH_NORM, 1)[0][0]
  for a, b in zip(leaves(cut.opt_state.mu), leaves(moments.mu), strict=True):
    np.testing.assert_allclose(a, b / 4, rtol=1e-4, atol=1e-9)


def test_a_gradient_that_is_no_number_stays_one():
  bad = {"a": np.float32([np.inf]), "b": np.float32([1.0])}
  assert not np.isfinite(_step._clipped(bad, 1.0)["a"]).any()


def test_coarser_outputs_learn_from_averaged_labels():
  of = forward(blocks=3, deep_supervision=1, norm="none")
  state, labels = start(PLAIN, of), batch()[1].astype(np.float64)
  logits, changed = jit(
    functools.partial(of.network.apply, mutable=[models.COARSE], train=True)
  )(state.variables, of.inputs(batch()[0]))
  outputs = [logits, *models.coarse_logits(changed)]
  assert [z.shape[1] for z in outputs] == [16, 8]
  total = 0
  for k, z in enumerate(outputs):
    z, n = np.asarray(z, np.float64)[..., 0], 2**k
    t = labels.reshape(4, 16 // n, n, 16 // n, n).mean((2, 4))
    bce = np.logaddexp(0, z) - t * z
    total += bce.mean() * (0.5**k / 1.5)
  assert steps(PLAIN, of, 1)[0][1] == pytest.approx(total, rel=1e-5)
  # All parameters learn, those of the coarser outputs, too.
  moved = jax.tree.map(
    lambda a, b: np.any(a != b), state.params, steps(PLAIN, of, 1)[0][0].params
  )
  assert all(jax.tree.leaves(moved))


def test_labels_of_coarser_outputs_suit_the_loss():
  hard = [
    name
    for name in (*_objective.OBJECTIVES, *_objective.FORMED, *losses.names())
    if _objective.coarse_labels(name) == "nearest"
  ]
  assert hard == [n for n in losses.names() if n.startswith("lovasz")]
  assert _objective.coarse_labels("package.module:function") == "nearest"


def test_augmentation_is_of_the_seed_and_the_step():
  options = _step.Options(augment=(("noise", 50.0), ("shift", 0.1)))
  of = BATCH_NORM
  first, second, _ = (loss for _, loss in steps(options, of))
  assert first != steps(PLAIN, of)[0][1]
  step = compiled(options, of)
  begun = start(options, of)
  again = step(begun, *batch(), RATE, WEIGHT)[1]
  assert float(again) == first
  later = step(
    dataclasses.replace(begun, step=np.int32(1)), *batch(), RATE, WEIGHT
  )[1]
  assert float(later) not in (first, second)


def test_neighbouring_slices_are_channels():
  of = forward(slices=3)
  images = np.stack([batch()[0] + k for k in (-9, 0, 9)], 1)
  assert of.inputs(images).shape == (4, 16, 16, 3)
  np.testing.assert_array_equal(
    of.inputs(images)[..., 1], forward().inputs(images[:, 1])[..., 0]
  )
  with pytest.raises(ValueError, match=r"give \[N, 3, H, W\]"):
    of.inputs(batch()[0])
  assert start(PLAIN, of).params["bottom"]["conv_0"]["kernel"].shape[2] == 3


@pytest.mark.slow
@pytest.mark.parametrize("parallel", ["jit", "pmap"])
@pytest.mark.parametrize("objective", ["bce_dice", "lovasz_hinge"])
def test_two_devices_have_the_numbers_of_one(objective, parallel):
  network = {"base": 4, "blocks": 3, "slices": 3, "deep_supervision": 1}
  config = training.Config(
    "brain",
    objective=objective,
    network={"name": "unet", "norm": "batch", **network},
    batch=4,
    augment=training.parse_augment(["all"]),
    clip_norm=0.1,
    ema=0.15,
  )
  images, labels = batch()
  images, found = np.stack([images] * 3, 1), []
  for number in (1, 2):
    (devices,) = _devices.arrange(number, parallel=parallel)
    compiled = training.functions(config, devices)
    state = devices.whole(compiled.init(np.uint32(0), labels))
    given = devices.rows(images), devices.rows(labels)
    for _ in range(2):
      state, loss = compiled.step(state, *given, RATE, WEIGHT)
    found.append(jax.device_get((state.trained, state.variables, loss)))
  for a, b in zip(*map(leaves, found), strict=True):
    np.testing.assert_allclose(a, b, atol=3e-4)
  assert found[0][2] == pytest.approx(found[1][2], rel=1e-4)
