"""What is looked at: which patients, and that each mask is the library's."""

import numpy as np
import pytest

from jaxseg import study
from jaxseg import thresholds
from jaxseg.study import _scenes


@pytest.fixture(scope="module")
def found(trained):
  run, (result,) = trained
  return run, result, list(study.scenes(run, run.models()))


def test_the_median_the_worst_and_the_best_patient(found):
  _, result, scenes = found
  choose_on, score_on = result.sides()
  best = thresholds.optimum(choose_on.even)
  dice = thresholds.curve(score_on.even)[:, best.index]
  by_role = {
    one.role: dice[score_on.names.index(one.patient)] for one in scenes
  }
  assert by_role["worst"] == dice.min()
  assert by_role.get("best", by_role["median"]) == dice.max()
  assert by_role["median"] == sorted(dice)[len(dice) // 2]
  assert len({one.patient for one in scenes}) == len(scenes)
  for one in scenes:
    assert np.float32(one.maps[0].threshold) == np.float32(best.threshold)


def test_each_mask_has_the_counts_of_the_library(found):
  _, result, scenes = found
  score_on = result.sides()[1]
  for one in scenes:
    (own,) = one.maps
    known = np.repeat(one.known, one.shape[1] * one.shape[2])
    truth = np.zeros(known.size, np.bool_)
    truth[one.reference] = True
    counts = score_on.even[score_on.names.index(one.patient)]
    for k in (1, 250, 394, 500, 999, 1000):
      inside = own.place[own.level > k]
      inside = inside[known[inside]]
      assert truth[inside].sum() == counts.true_positive[k]
      assert (~truth[inside]).sum() == counts.false_positive[k]
    np.testing.assert_array_equal(
      own.cohort, thresholds.curve(score_on.even.sum())
    )


def test_the_picture_holds_reference_and_contour(found):
  run, _, scenes = found
  for one in scenes:
    assert one.image.shape == one.size
    inside = np.concatenate(
      [one.reference, one.maps[0].place[one.maps[0].level > 500]]
    )
    for index, first, length in zip(
      np.unravel_index(inside, one.shape), one.origin, one.size, strict=True
    ):
      assert first <= index.min()
      assert index.max() < first + length
    patient = run.store.patients[one.patient]
    whole = patient.placement.restore(run.store.image(one.patient), fill=-1000)
    z, y, x = one.origin
    assert one.image[0, 0, 0] == whole[z, y, x]
    assert one.sides == ("R", "A")


@pytest.mark.parametrize(
  ("columns", "rows", "sides"),
  [
    ((1, 0, 0), (0, 1, 0), ("R", "A")),
    ((-1, 0, 0), (0, -1, 0), ("L", "P")),
    ((0, 1, 0), (0, 0, -1), ("A", "S")),
    ((1, 1, 0), (0, 0, 1), ("", "I")),
  ],
)
def test_sides_are_of_the_patient(columns, rows, sides):
  affine = np.eye(4)
  affine[:3, 2], affine[:3, 1] = columns, rows
  assert _scenes.sides(affine) == sides


def test_one_patient_is_shown_once():
  class Cases:
    names = ("a",)
    even = thresholds.count_case(
      np.full((1, 2, 2), 0.7, np.float32),
      np.ones((1, 2, 2), np.bool_),
      thresholds.grid(11),
    )

    def index(self, threshold):
      return round(10 * threshold)

  Cases.even = thresholds.Counts.stack([Cases.even])
  assert _scenes.shown([Cases()], [0.5]) == {"median": "a"}
