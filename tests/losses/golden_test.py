"""Values that other tools give for the same logits and labels.

All cases are padded to one shape, with `where` over the padding, so that they
share a compiled program; one volume of each kind is given as it is.
"""

import json

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import losses
from tests.quick import jit

# [item, pixel, column, class]; the columns are those of volumes.
BINARY, MANY = (4, 480, 8, 1), (3, 360, 8, 5)
GROUPS = {"item": (1, 2), "batch": (0, 1, 2), "slice": (1,)}


class Case:
  """A case of the golden file, as it is and padded."""

  def __init__(self, values, logits, labels):
    self.values = values
    self.logits = np.moveaxis(logits, 1, -1)
    shape = self.logits.shape
    self.many = shape[-1] > 1
    hard = labels.reshape(shape[:-1])[..., None].astype(int)
    self.labels = (hard == np.arange(shape[-1]) if self.many else hard).astype(
      np.float32
    )
    moved = np.moveaxis(self.labels > 0, -1, 1)
    signed = [[losses.signed_distance(m) for m in item] for item in moved]
    self.distances = np.moveaxis(np.array(signed), 1, -1)

  @property
  def size(self):
    """Items, columns of a volume, and classes."""
    n, *space, classes = self.logits.shape
    return n, (space[2] if len(space) > 2 else 1), classes

  def padded(self, dtype=np.float32):
    """Logits, labels, distances and the mask, all of one shape."""
    n, columns, classes = self.size
    whole = MANY if self.many else BINARY

    def pad(array, fill):
      array = array.reshape(n, -1, columns, classes).astype(dtype)
      after = [(0, m - k) for m, k in zip(whole, array.shape, strict=True)]
      # A class that is not there has no share in a softmax.
      array = np.pad(array, [*after[:3], (0, 0)])
      return np.pad(array, [(0, 0)] * 3 + after[3:], constant_values=fill)

    return (
      pad(self.logits, -1e9),
      pad(self.labels, 0),
      pad(self.distances, 0),
      pad(np.ones_like(self.labels), 0) > 0,
    )


@pytest.fixture(scope="module")
def cases(golden):
  values = json.loads((golden / "loss_values.json").read_text())["cases"]
  with np.load(golden / "loss_arrays.npz") as arrays:
    return {
      name: Case(
        case["values"], arrays[f"{name}__logits"], arrays[f"{name}__labels"]
      )
      for name, case in values.items()
    }


def region(logits, labels, activation, **how):
  """Losses of the Dice family under the golden file's keys, unreduced."""
  how |= {"activation": activation}
  small = {**how, "smooth": 1e-5}
  found = {
    "jaccard_s1em5": losses.jaccard(logits, labels, **small),
    "tversky_fp0.3_fn0.7_s1em5": losses.tversky(logits, labels, **small),
    "focal_tversky_exp0.75": losses.focal_tversky(logits, labels, **small),
    "log_cosh_dice_s1em5": losses.log_cosh_dice(logits, labels, **small),
  }
  for key, smooth in (("s1", 1.0), ("s1em5", 1e-5)):
    for form, squared in (("plain", False), ("squared", True)):
      found[f"dice_{form}_{key}"] = losses.dice(
        logits, labels, squared=squared, smooth=smooth, **how
      )
  return found


def generalized(logits, labels, activation, **how):
  return {
    f"gdl_{weights}_empty{said}_s1em5": losses.generalized_dice(
      logits, labels, weights=weights, absent=absent, activation=activation,
      **how,
    )
    for weights in ("square", "simple")
    for said, absent in (("zero", "skip"), ("max", "largest"))
  }  # fmt: skip


def grouped(logits, labels, where, groups, many):
  """Losses of groups of pixels: key -> group -> unreduced loss."""
  activation = "softmax" if many else "sigmoid"
  found = {}
  for group, axis in groups.items():
    how = {"axis": axis, "where": where}
    every = region(logits, labels, activation, **how)
    if group != "slice":
      every |= generalized(logits, labels, activation, **how)
      every["lovasz_softmax" if many else "lovasz_sigmoid"] = losses.lovasz(
        logits, labels, activation=activation, **how
      )
      if not many:
        every["lovasz_hinge"] = losses.lovasz_hinge(logits, labels, **how)
    for key, loss in every.items():
      found.setdefault(key, {})[group] = loss
  return found


def pixelwise(logits, labels, distances, where, many):
  """Losses of single pixels, 0 where they do not count."""
  activation = "softmax" if many else "sigmoid"
  found = {
    "boundary_unit": losses.boundary(
      logits, distances, where=where, activation=activation
    )
  }
  if many:
    some = None if where is None else jnp.any(where, -1, keepdims=True)
    return found | {
      "ce": losses.softmax_cross_entropy(logits, labels, where=some)
    }
  how = {"where": where}
  return found | {
    "bce": losses.binary_cross_entropy(logits, labels, **how),
    "focal_g2": losses.focal(logits, labels, **how),
    "focal_g2_a0.25": losses.focal(logits, labels, alpha=0.25, **how),
  }


def losses_of(logits, labels, distances, where, *, many, groups, slope):
  """All losses, and if wanted the gradient of the sum of those of groups."""
  groups = dict(groups)
  found = grouped(logits, labels, where, groups, many)
  if not many:
    how = {"where": where}
    found["dice_bce_s1em5"] = {  # Theirs is the sum of both.
      "item": 2 * losses.bce_dice(
        logits, labels, axis=groups["item"], smooth=1e-5, **how
      )
    }  # fmt: skip
    found["combo_a0.5_b0.5_s1"] = {
      "batch": losses.combo(logits, labels, axis=groups["batch"], **how)
    }

  def total(z):
    return sum(
      jnp.sum(loss)
      for loss in jax.tree.leaves(grouped(z, labels, where, groups, many))
    )

  pixels = pixelwise(logits, labels, distances, where, many)
  return found, pixels, jax.grad(total)(logits) if slope else 0.0


compiled = jit(losses_of, static_argnames=("many", "groups", "slope"))


def reduced(case, found, pixels):
  """Means under the golden file's keys, in float64."""
  n, columns, classes = case.size
  number = case.labels.size
  axes = tuple(range(1, case.labels.ndim - 1))
  spaces = {"item": axes, "batch": (0, *axes), "slice": axes[:2]}
  pixels = {k: np.asarray(v, np.float64) for k, v in pixels.items()}
  means = {k: v.sum() / number for k, v in pixels.items()}
  if case.many:
    means["ce"] = pixels["ce"].sum() / (number // classes)
    inner = pixels["boundary_unit"][..., 1:].sum()
    means["boundary_unit_nobg"] = inner / (number // classes * (classes - 1))
  for key, by_group in found.items():
    for group, loss in by_group.items():
      if group == "slice" and len(axes) < 3:
        continue  # The slice of a plane is the item.
      name = f"{key}_{group}"
      loss = np.asarray(loss, np.float64)
      if key.startswith("gdl"):
        means[name] = (loss if group == "batch" else loss[:n]).mean()
        continue
      loss = loss[..., :classes]
      if group != "batch":
        loss = loss[:n]
      if group == "slice":
        loss = loss[:, :columns]
      present = case.labels.sum(spaces[group]) > 0
      for end, part in (("", slice(None)), ("_nobg", slice(1, None))):
        some, there = loss[..., part], present[..., part]
        if not some.size:  # One class has no background to leave out.
          continue
        means[f"{name}{end}"] = some.mean()
        mean = some[there].mean() if there.any() else np.nan
        means[f"{name}_present{end}"] = mean
      if key == "lovasz_softmax":
        means[f"{key}_all_{group}"] = loss.mean()
        shown = (loss * present).sum(-1) / np.maximum(present.sum(-1), 1)
        means[f"{key}_present_{group}"] = shown.mean()
  return means


def evaluate(case, dtype=np.float32, round_to=None):
  logits, labels, distances, where = case.padded(dtype)
  if round_to is not None:
    logits = logits.astype(round_to).astype(dtype)
  found, pixels, gradient = compiled(
    logits, labels, distances, where, many=case.many,
    groups=tuple(GROUPS.items()),
    slope=not case.many and dtype == np.float32,
  )  # fmt: skip
  for loss in jax.tree.leaves((found, pixels)):
    assert loss.dtype == dtype
  chex.assert_tree_all_finite(gradient)
  return reduced(case, found, pixels)


def assert_values(found, case, rtol, atol, but=()):
  """Compares what the file has too, with exceptions; returns the number."""
  common = found.keys() & case.values.keys()
  common = {key for key in common if not key.startswith(but)}
  for key in common:
    np.testing.assert_allclose(
      found[key], float(case.values[key]), rtol=rtol, atol=atol, err_msg=key
    )
  return len(common)


NAMES = {
  False: (
    "b_tiny", "b_random", "b_good", "b_saturated", "b_some_empty",
    "b_all_empty", "b_all_full", "b_volume", "b_zero_logits",
  ),
  True: (
    "m_random", "m_absent", "m_volume", "m_tiny", "m_five", "m_zero_logits",
    "m_only_background", "m_confident",
  ),
}  # fmt: skip
EVERY = [*NAMES[False], *NAMES[True]]


def test_the_file_has_these_cases(cases):
  assert set(cases) == set(EVERY)


@pytest.mark.parametrize("name", EVERY)
def test_values_of_other_tools(cases, name):
  case = cases[name]
  found = evaluate(case)
  # 2e-6: a few roundings of 1, which small Dice losses are differences from.
  number = assert_values(found, case, rtol=1e-5, atol=2e-6)
  if case.many:
    assert number >= 40
  else:
    assert not case.values.keys() - found.keys()


@pytest.mark.parametrize("name", NAMES[False])
def test_logits_of_bfloat16_are_near_the_values(cases, name):
  case = cases[name]
  # Widened again, to share the program; losses widen them first in any case.
  found = evaluate(case, round_to=jnp.bfloat16)
  # The errors of the hinge grow with the logits.
  assert assert_values(found, case, rtol=2e-2, atol=2e-4, but=("lovasz_hinge",))


@pytest.mark.parametrize("name", EVERY)
def test_values_of_other_tools_in_float64(cases, name):
  with jax.enable_x64(True):
    found = evaluate(cases[name], np.float64)
  # Distances are float32.
  number = assert_values(
    found, cases[name], rtol=1e-12, atol=1e-14, but="boundary"
  )
  assert number > (40 if cases[name].many else 34)


@pytest.mark.parametrize("name", ["b_volume", "m_volume"])
def test_padding_changes_nothing(cases, name):
  case = cases[name]
  axes = (1, 2, 3)
  groups = {"item": axes, "batch": (0, *axes), "slice": axes[:2]}
  found, pixels, _ = compiled(
    case.logits, case.labels, case.distances, None, many=case.many,
    groups=tuple(groups.items()), slope=False,
  )  # fmt: skip
  plain = reduced(case, found, pixels)
  chex.assert_trees_all_close(plain, evaluate(case), rtol=1e-5, atol=2e-6)
  assert_values(plain, case, rtol=1e-5, atol=2e-6)
