"""Models of different objectives, by hand."""

import dataclasses

import numpy as np
import pytest

from jaxseg import errors
from jaxseg import study
from tests.study import made


def test_objectives_count_a_missed_structure_as_far():
  counts = made.run_counts(peak=0.3)
  # Columns: cut at 0.3 and at 0.5.
  counts.surfaces[3:, 0] = [[5, 1], [np.inf, 2], [np.inf, 3]]
  (row,) = study.objectives([counts])
  assert row["hd95_mm"] == np.inf
  # At 0.5, above the peak, nothing is found in any patient: far, whatever
  # else may have been written there.
  assert row["hd95_half_mm"] == np.inf
  assert row["nsd_2mm_half"] == 0
  assert (row["missed"], row["missed_half"]) == (0, 3)
  assert row["hallucinated"] == row["hallucinated_half"] == 0
  assert row["dice_half"] == 0.0
  counts.surfaces[3:, 0] = [[5, 1], [6, 2], [np.inf, 3]]
  assert study.objectives([counts])[0]["hd95_mm"] == 6


def test_counts_without_the_surfaces_are_refused():
  counts = dataclasses.replace(made.run_counts(), surfaces=None, cuts=None)
  with pytest.raises(errors.DataError, match="no surfaces were computed"):
    study.objectives([counts])
