"""Many cases in one row: means that no miss improves, and their intervals."""

import math

import numpy as np
import pytest
from scipy import stats

from jaxseg import study
from jaxseg.study import _evaluation


def _row(case, dice, *, structure="brain", status="scored", **more):
  missed = status == "missed"
  return {
    "case": case,
    "structure": structure,
    "status": status,
    "prediction_name": "" if missed else structure,
    "reference_name": structure,
    "reference_voxels": 0 if status == "hallucinated" else 10,
    "predicted_voxels": 0 if missed else 10,
    "dice": 0.0 if status != "scored" else dice,
    "hd95_mm": math.inf if status != "scored" else 10 * (1 - dice),
    **more,
  }


def _of(rows, metric="dice", **how):
  rows = study.evaluation_summary(rows, **how)
  (found,) = [row for row in rows if row["metric"] == metric]
  return found


def test_a_miss_counts_and_so_does_a_hallucination():
  rows = [
    _row("a", 0.8),
    _row("b", 0.9),
    _row("c", None, status="missed"),
    _row("d", None, status="hallucinated"),
    {"case": "e", "structure": "brain", "status": "no reference"},
    {"case": "f", "structure": "brain", "status": "refused"},
  ]
  found = _of(rows)
  assert found["mean"] == pytest.approx(1.7 / 4)
  numbers = ("cases", "missed", "hallucinated", "no_reference", "refused")
  assert [found[name] for name in numbers] == [4, 1, 1, 1, 1]
  assert (found["worst"], found["worst_case"]) == (0.0, "c")
  far = _of(rows, "hd95_mm")
  assert far["mean"] == math.inf and math.isnan(far["mean_low"])
  assert far["median"] == math.inf and far["finite"] == 2
  far = _of(rows, "hd95_mm", worst_distance=30.0)
  assert far["mean"] == pytest.approx((2 + 1 + 30 + 30) / 4)


def test_scans_of_one_patient_count_as_one_in_intervals():
  rows = [_row(f"{p}_{k}", 0.5 + p / 20) for p in range(8) for k in range(5)]
  alone = _of(rows)
  grouped = _of(rows, patients={row["case"]: row["case"][0] for row in rows})
  assert grouped["patients"] == 8 and alone["patients"] == 40
  assert grouped["mean"] == pytest.approx(alone["mean"])
  width = [one["mean_high"] - one["mean_low"] for one in (alone, grouped)]
  assert width[1] > 1.8 * width[0]


def test_what_nobody_predicts_is_no_miss_unless_it_is_asked_for():
  rows = [
    _row("a", 0.8),
    _row("a", None, structure="lens", status="missed"),
    _row("b", 0.8),
  ]
  found = {row["structure"]: row for row in study.settled(rows)}
  assert found["lens"]["status"] == "not predicted"
  assert "dice" not in found["lens"]
  found = {row["structure"]: row for row in study.settled(rows, ["lens"])}
  assert found["lens"]["status"] == "missed"


def test_an_interval_of_a_mean_without_skewness_is_students():
  values = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
  expected = stats.t.interval(
    0.95, 4, loc=0.3, scale=values.std(ddof=1) / math.sqrt(5)
  )
  assert _evaluation.mean_interval(values) == pytest.approx(expected)


def test_an_interval_of_a_mean_reaches_further_into_the_tail():
  values = np.array([0.9] * 9 + [0.3])
  low, high = _evaluation.mean_interval(values, ends=(0.0, 1.0))
  mean = values.mean()
  assert low < mean < high <= 1
  assert mean - low > 1.5 * (high - mean)


def test_intervals_that_cannot_be():
  one = np.array([0.5])
  assert all(map(math.isnan, _evaluation.mean_interval(one)))
  far = np.array([0.5, math.inf])
  assert all(map(math.isnan, _evaluation.mean_interval(far)))
  assert _evaluation.mean_interval(np.full(4, 0.5)) == (0.5, 0.5)
  assert all(map(math.isnan, _evaluation.median_interval(np.arange(5.0))))


def test_an_interval_of_a_median_by_hand():
  # Of six values all lie on one side with 2 x 1/64: the outermost two.
  assert _evaluation.median_interval(np.arange(6.0)) == (0, 5)
  # Of ten, ranks 2 and 9: 2 x 11/1024 of the samples miss it.
  assert _evaluation.median_interval(np.arange(10.0)) == (1, 8)
  values = np.array([1.0] * 6 + [math.inf] * 4)
  assert _evaluation.median_interval(values) == (1, math.inf)


@pytest.mark.slow
@pytest.mark.parametrize(
  ("draw", "mean", "least"),
  [
    (lambda rng, n: rng.beta(16, 4, n), 0.8, 0.94),
    (lambda rng, n: rng.beta(8, 1.2, n), 8 / 9.2, 0.93),
    (lambda rng, n: rng.lognormal(1, 0.8, n), math.exp(1.32), 0.90),
  ],
)
@pytest.mark.parametrize("number", [15, 30, 100])
def test_coverage(draw, mean, least, number):
  rng = np.random.default_rng(0)
  held = median = 0
  for _ in range(2000):
    values = draw(rng, number)
    low, high = _evaluation.mean_interval(values)
    held += low <= mean <= high
  truth = np.median(draw(np.random.default_rng(1), 10**6))
  for _ in range(2000):
    low, high = _evaluation.median_interval(draw(rng, number))
    median += low <= truth <= high
  assert held / 2000 > least
  assert median / 2000 > 0.94


def test_a_path_is_no_distance():
  rows = [
    _row("a", 0.8, added_path_mm=120.0),
    _row("b", None, status="missed", added_path_mm=900.0),
  ]
  found = _of(rows, "added_path_mm", worst_distance=50.0)
  assert found["mean"] == 510 and found["worst"] == 900
  lost = _row("c", None, status="hallucinated", added_path_mm=math.inf)
  assert _of([*rows, lost], "added_path_mm")["mean"] == math.inf


def test_no_interval_passes_the_worst_distance():
  rows = [_row("a", 0.8), _row("b", None, status="missed")]
  found = _of(rows, "hd95_mm", worst_distance=30.0)
  assert found["mean"] == 16 and found["mean_high"] == 30


def test_a_mean_lies_within_its_interval_where_one_patient_has_most_cases():
  rows = [_row(f"a{k}", 0.9) for k in range(30)]
  rows += [_row(name, 0.3 + k / 20) for k, name in enumerate("bcdefg")]
  patients = {row["case"]: row["case"][0] for row in rows}
  found = _of(rows, patients=patients)
  expected = [0.9, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55]
  assert found["mean"] == pytest.approx(np.mean(expected))
  assert found["median"] == pytest.approx(np.median(expected))
  assert found["mean_low"] < found["mean"] < found["mean_high"]


def test_of_patients_count_those_that_a_mean_has():
  empty = _row("b", None, status="both empty", predicted_voxels=0)
  empty |= {"reference_voxels": 0, "dice": math.nan, "hd95_mm": math.nan}
  found = _of([_row("a", 0.8), empty])
  assert (found["cases"], found["patients"], found["mean"]) == (2, 1, 0.8)
