"""Overlap metrics: by hand, by properties, by golden counts."""

import functools
import json
import math

import hypothesis
from hypothesis.extra import numpy as hnp
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import metrics

NAMES = ("dice", "iou", "precision", "recall", "specificity")
MASKS = hnp.arrays(np.bool_, (3, 5, 4))


def scores(prediction, reference, **options):
  """All metrics, stacked."""
  return jnp.stack(
    [getattr(metrics, n)(prediction, reference, **options) for n in NAMES], -1
  )


_together = jax.jit(functools.partial(scores, axis=(1, 2)))
_each = jax.jit(jax.vmap(scores))


def test_by_hand():
  prediction = np.array([1, 1, 1, 0, 0, 0], np.bool_)
  reference = np.array([1, 1, 0, 1, 1, 0], np.bool_)
  found = scores(prediction, reference)
  np.testing.assert_allclose(
    found, [4 / 7, 2 / 5, 2 / 3, 2 / 4, 1 / 2], rtol=1e-6
  )
  assert found.dtype == jnp.float32
  np.testing.assert_array_equal(
    scores(jnp.asarray(prediction), jnp.asarray(reference)), found
  )


@hypothesis.settings(deadline=None, max_examples=80)
@hypothesis.given(MASKS, MASKS)
def test_properties(a, b):
  found = np.asarray(_together(a, b))
  np.testing.assert_array_equal(found, _each(a, b))
  assert ((found >= 0) & (found <= 1) | np.isnan(found)).all()
  dice, iou, precision, recall, _ = found.T
  swapped = np.asarray(_together(b, a))
  np.testing.assert_array_equal(found[:, :2], swapped[:, :2])
  both = a.any((1, 2)) & b.any((1, 2))
  np.testing.assert_array_equal(precision[both], swapped[both, 3])
  np.testing.assert_allclose(dice / (2 - dice), iou, rtol=1e-6)
  # Specificity is the recall of the background.
  recall_outside = np.asarray(_together(~a, ~b))[:, 3]
  inner = ~b.all((1, 2))
  np.testing.assert_array_equal(found[inner, 4], recall_outside[inner])
  equal = (a == b).all((1, 2)) & both
  assert (found[equal][:, :4] == 1).all()
  assert ((recall == 1) == ((b <= a).all((1, 2)) & both))[both].all()


def test_transformations_agree():
  generator = np.random.default_rng(0)
  a, b = generator.random((2, 3, 5, 4)) < 0.5
  plain = scores(a, b, axis=(1, 2))
  np.testing.assert_array_equal(plain, _together(a, b))
  np.testing.assert_array_equal(plain, _each(a, b))
  np.testing.assert_array_equal(scores(a, b), scores(a, b, axis=(0, 1, 2)))
  assert scores(a, b, axis=0).shape == (5, 4, len(NAMES))


def test_empty_masks_do_not_spoil_gradients():
  # Scores of a batch weigh something differentiable; one slice is empty.
  a = jnp.array([[True, False], [False, False]])

  def total(w):
    score = metrics.dice(a, a, axis=1, empty="perfect")
    return jnp.sum(w * score)

  np.testing.assert_array_equal(jax.grad(total)(jnp.ones(2)), 1)


def test_counts_beyond_float32():
  a = np.ones(2**24 + 3, np.bool_)
  b = a.copy()
  b[:2] = False
  # 2^24 + 1 has no float32; the counts are exact all the same. Rounded ones
  # would be 4 apart, and leave nothing outside.
  assert metrics.volume_difference(a, b, (1, 1)) == 2 * np.float32(1e-3)
  assert metrics.recall(a, b) == 1 and metrics.specificity(b, b) == 1


def test_more_voxels_than_int32_adds_are_refused():
  huge = jax.ShapeDtypeStruct((1024, 1024, 1024), jnp.bool_)
  for name in NAMES:
    with pytest.raises(ValueError, match="1073741824 voxels per score"):
      jax.eval_shape(getattr(metrics, name), huge, huge)
    per_slice = functools.partial(getattr(metrics, name), axis=(1, 2))
    assert jax.eval_shape(per_slice, huge, huge).shape == (1024,)


def test_wrong_input_is_refused():
  mask = np.ones((2, 3), np.bool_)
  for name in NAMES:
    metric = getattr(metrics, name)
    with pytest.raises(TypeError, match="prediction has dtype int32; give"):
      metric(mask.astype(np.int32), mask)
    with pytest.raises(TypeError, match="reference has dtype float64; give"):
      metric(mask, mask.astype(np.float64))
    with pytest.raises(ValueError, match="shapes differ: prediction"):
      metric(mask, mask[:1])


def test_golden_counts(golden):
  cases = json.loads((golden / "surface_values.json").read_text())["cases"]
  longest = max(math.prod(case["shape"]) for case in cases.values())
  compiled = jax.jit(scores)
  with np.load(golden / "surface_masks.npz") as masks:
    for name, case in cases.items():
      size = math.prod(case["shape"])
      reference, prediction = np.zeros((2, longest), np.bool_)
      # Padded with background to one length, so that all share a program.
      for kind, mask in (("gt", reference), ("pred", prediction)):
        packed = masks[f"{name}__{kind}"]
        mask[:size] = np.unpackbits(packed)[:size]
      both, a, b = case["tp"], case["n_pred"], case["n_gt"]
      outside = longest - b
      ratios = [
        tuple(case["dice_exact"]),
        (both, a + b - both),
        (both, a),
        (both, b),
        (outside - a + both, outside),
      ]
      nothing = 0.0 if a or b else math.nan
      expected = [top / low if low else nothing for top, low in ratios]
      np.testing.assert_allclose(
        compiled(prediction, reference), expected, rtol=2e-7, err_msg=name
      )


OF_MASKS = {
  name: getattr(metrics, name)
  for name in (
    *NAMES, "f_beta", "balanced_accuracy", "matthews_correlation",
    "volume_similarity", "relative_volume_difference",
  )
} | {
  "volume_difference": lambda a, b, **how: metrics.volume_difference(
    a, b, (3.0, 1.0, 0.5), **how
  )
}  # fmt: skip
SOME = np.random.default_rng(2).random((3, 5, 4)) < 0.1


@jax.jit
def _every(a, b, where=None):
  return [metric(a, b, where=where) for metric in OF_MASKS.values()]


@hypothesis.settings(max_examples=60)
@hypothesis.given(MASKS, MASKS)
def test_what_does_not_count_is_as_if_cut_out(a, b):
  found = _every(a, b, SOME)
  np.testing.assert_array_equal(found, _every(a[SOME], b[SOME]))


@pytest.mark.parametrize("name", OF_MASKS)
def test_where_broadcasts_and_nothing_else(name):
  a, b = np.random.default_rng(3).random((2, 3, 5, 4)) < 0.5
  rows = np.array([True, False, True, True, False])[:, None]
  found = OF_MASKS[name](a, b, axis=(1, 2), where=rows)
  expected = OF_MASKS[name](a[:, rows[:, 0]], b[:, rows[:, 0]], axis=(1, 2))
  np.testing.assert_array_equal(found, expected)
  for wrong, error in (
    (rows.astype(np.float32), TypeError),
    (np.ones(5, bool), ValueError),
    (np.ones((1, 3, 5, 4), bool), ValueError),
  ):
    with pytest.raises(error, match="where .*(boolean|does not broadcast)"):
      OF_MASKS[name](a, b, where=wrong)
  assert np.isnan(OF_MASKS[name](a, b, where=False)) == (
    name != "volume_difference"
  )


def test_several_betas_at_once():
  a = np.array([[True, False], [True, True], [False, True]])
  b = np.array([[True, True], [False, True], [False, True]])
  betas = np.array([0.5, 1.0, 2.0])
  found = metrics.f_beta(a, b, beta=betas, axis=1)
  for k, beta in enumerate(betas):
    assert found[k] == metrics.f_beta(a[k], b[k], beta=beta)
  with pytest.raises(errors.ConfigError, match="give a number above 0"):
    metrics.f_beta(a, b, beta=np.array([1.0, 0.0, 2.0]), axis=1)
