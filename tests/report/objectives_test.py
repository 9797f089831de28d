import math

import pytest

from jaxseg import errors
from jaxseg.report import _objectives
from jaxseg.report import _style


def panels(figure):
  return [axes for axes in figure.axes if axes.get_visible()]


def legend(figure):
  return [text.get_text() for text in figure.legends[0].get_texts()]


def test_four_panels_by_structure(objective_rows):
  figure = _objectives.objectives(objective_rows, "title")
  titles = [axes.get_title("left") for axes in panels(figure)]
  assert titles[0] == "Dice: filled at own threshold, hollow at 0.5"
  assert [title.endswith(", mm") for title in titles] == [
    False,
    False,
    True,
    True,
  ]
  ticks = [text.get_text() for text in figure.axes[0].get_yticklabels()]
  assert ticks == ["left parotid", "spinal cord", "brain"]
  assert legend(figure) == ["BCE", "2D Dice", "BCE + 2D Dice"]


def test_columns_that_no_row_has_are_left_out(objective_rows):
  for row in objective_rows:
    del row["assd_mm"]
    row["hd95_mm"] = None
    row["sensitivity"] = math.nan
  assert len(panels(_objectives.objectives(objective_rows, "title"))) == 1


def test_an_infinite_distance_is_shown_at_the_edge(objective_rows, tmp_path):
  objective_rows[0]["hd95_mm"] = math.inf
  figure = _objectives.objectives(objective_rows, "title")
  assert legend(figure)[-1] == "at the edge: infinite, missed"
  left, right = figure.axes[2].get_xlim()
  assert left == 0
  assert right < 10
  _style.save(figure, tmp_path / "objectives")


def test_one_structure_all_missed(tmp_path):
  row = {"structure": "brain", "objective": "bce", "hd95_mm": math.inf}
  figure = _objectives.objectives([row], "title")
  assert list(panels(figure)[0].get_xticks()) == []
  _style.save(figure, tmp_path / "objectives")


def test_nothing_to_show():
  rows = [{"structure": "brain", "objective": "bce"}]
  with pytest.raises(errors.DataError, match="no row has any of dice_optimum"):
    _objectives.objectives(rows, "title")
  with pytest.raises(errors.DataError, match="row 0 lacks objective"):
    _objectives.objectives([{"structure": "brain"}], "title")
