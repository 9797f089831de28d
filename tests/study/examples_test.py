"""The slice that is shown of each model."""

import numpy as np

from jaxseg import study
from jaxseg import thresholds


def test_the_median_patient_and_the_slice_with_most_of_the_reference(trained):
  run, (result,) = trained
  (one,) = study.examples(run, run.models())
  choose_on, score_on = result.sides()
  best = thresholds.optimum(choose_on.even)
  dice = thresholds.curve(score_on.even)[:, best.index]
  assert one.dice == sorted(dice)[len(dice) // 2]
  assert one.threshold == best.threshold
  reference = run.store.reference(one.patient, "brain")
  assert one.reference.sum() == reference.sum((1, 2)).max()
  np.testing.assert_array_equal(one.reference, reference[one.slice])
  assert one.image_hu.shape == one.probability.shape == (48, 48)
  assert one.image_hu.min() < -500 < 0 < one.image_hu.max()
  assert one.pixel_mm == (2.0, 2.0)
