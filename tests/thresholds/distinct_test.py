"""The sweep over every value of a map."""

import hypothesis
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import numpy as np
import pytest

from jaxseg import errors
from jaxseg import thresholds


@hypothesis.settings(deadline=None)
@hypothesis.given(st.data(), st.sampled_from(["f2", "f4", "f8", "u1"]))
def test_every_value_by_brute_force(data, dtype):
  shape = (2, 7)
  if dtype == "u1":
    elements = st.integers(0, 255)
  else:
    elements = st.floats(0, 1, width=int(dtype[1]) * 8)
  p = data.draw(hnp.arrays(dtype, shape, elements=elements))
  y = data.draw(hnp.arrays(np.bool_, shape))
  where = data.draw(hnp.arrays(np.bool_, shape))
  hypothesis.assume(where.any())
  found = thresholds.count_distinct(p, y, where=where)
  values = np.asarray([thresholds.binarize(p, t) for t in found.thresholds])
  assert len(set(found.thresholds.tolist())) == len(found.thresholds)
  for k, mask in enumerate(values):
    assert found.true_positive[k] == (mask & y & where).sum()
    assert found.false_positive[k] == (mask & ~y & where).sum()
  grid = thresholds.count_case(p, y, thresholds.grid(), where=where)
  if (y & where).any():
    best = thresholds.optimum(found).value
    assert best >= thresholds.optimum(grid).value


def test_refuses_what_is_no_probability():
  y = np.array([True, False])
  with pytest.raises(errors.DataError, match=r"index \(1,\)"):
    thresholds.count_distinct(np.float32([0.1, np.nan]), y)
  with pytest.raises(errors.DataError, match="logits"):
    thresholds.count_distinct(np.float32([0.1, 3]), y)
  kept = thresholds.count_distinct(
    np.float32([0.1, 3]), y, where=np.array([True, False])
  )
  assert kept.positive.tolist() == [0, 1]
  with pytest.raises(errors.DataError, match="no voxel counts"):
    thresholds.count_distinct(np.float32([0.1, 1]), y, where=np.zeros(2, bool))


def test_as_scikit_learn(golden):
  """Its precision-recall curves, as they were printed by it."""
  arrays = np.load(golden / "sweep_arrays.npz")
  names = [n.removesuffix("__pr_threshold") for n in arrays.files
           if n.endswith("__pr_threshold")]  # fmt: skip
  compared = 0
  for name in names:
    p = arrays[f"{name}__prob"]
    if p.dtype not in (np.float32, np.float16):
      continue  # It compares float64 and u / 255 exactly, another rule.
    y = np.unpackbits(arrays[f"{name}__ref"])[: p.size].reshape(p.shape) > 0
    found = thresholds.count_distinct(p, y)
    theirs = arrays[f"{name}__pr_threshold"]
    np.testing.assert_array_equal(found.thresholds, theirs.astype(np.float32))
    np.testing.assert_allclose(
      thresholds.curve(found, metric="precision"),
      arrays[f"{name}__pr_precision"][:-1],
      rtol=1e-12,
    )
    np.testing.assert_allclose(
      thresholds.curve(found, metric="recall"),
      arrays[f"{name}__pr_recall"][:-1],
      rtol=1e-12,
    )
    compared += 1
  assert compared >= 3
