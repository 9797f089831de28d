import math

import pytest

from jaxseg import errors
from jaxseg.report import _sensitivity
from jaxseg.report import _style


def labels(figure):
  return [text.get_text() for text in figure.legends[0].get_texts()]


def test_medians_and_the_papers_stand_in_the_legend(sensitivity_rows):
  figure = _sensitivity.sensitivity(sensitivity_rows, "title")
  # At ±0.05 the three structures lose 5, 10 and 15 %.
  assert labels(figure) == [
    "BCE: median 10.0 %",
    "BCE + 2D Dice: median 10.0 %",  # Two rows, column by column.
    "2D Dice: median 10.0 %",
    "Bice et al. 2021 (BCE): median 11.8 %",
  ]


def test_structures_are_sorted_by_what_they_lose(sensitivity_rows):
  figure = _sensitivity.sensitivity(sensitivity_rows, "title")
  ticks = [text.get_text() for text in figure.axes[0].get_yticklabels()]
  assert ticks == ["left parotid", "spinal cord", "brain"]


def test_medians_against_the_perturbation(sensitivity_rows):
  figure = _sensitivity.sensitivity(sensitivity_rows, "title")
  line = figure.axes[1].lines[0]
  assert line.get_xdata() == pytest.approx([-0.1, -0.05, 0, 0.05, 0.1])
  assert line.get_ydata() == pytest.approx([20, 10, 0, 10, 20])


def test_undefined_reductions_are_left_out(sensitivity_rows, tmp_path):
  for row in sensitivity_rows[::3]:
    row["reduction"] = math.nan
  sensitivity_rows[1]["reduction"] = None
  _style.save(_sensitivity.sensitivity(sensitivity_rows, ""), tmp_path / "s")


def test_one_structure_one_objective_one_side(tmp_path):
  row = {
    "structure": "brain",
    "objective": "bce",
    "perturbation": 0.04 + 0.01,
    "reduction": 0.118,
  }
  figure = _sensitivity.sensitivity([row], "title")
  assert labels(figure)[0] == "BCE: median 11.8 %"
  _style.save(figure, tmp_path / "sensitivity")


def test_no_perturbation_of_the_papers_size(sensitivity_rows):
  rows = [row for row in sensitivity_rows if abs(row["perturbation"]) > 0.07]
  with pytest.raises(errors.DataError, match="no finite reduction at ±0.05"):
    _sensitivity.sensitivity(rows, "title")


def test_a_missing_column(sensitivity_rows):
  del sensitivity_rows[3]["reduction"]
  with pytest.raises(errors.DataError, match="row 3 lacks reduction"):
    _sensitivity.sensitivity(sensitivity_rows, "title")
