import numpy as np
import pytest

from jaxseg import errors
from jaxseg import report


def panels(figure):
  return [axes for axes in figure.axes if axes.get_visible()]


def legend(figure):
  return [text.get_text() for text in figure.legends[0].get_texts()]


def test_a_panel_per_structure_and_a_line_per_objective(curves):
  figure = report.curves(curves, "title")
  assert [axes.get_title("left") for axes in panels(figure)] == [
    "left parotid",
    "spinal cord",
    "brain",
  ]
  for axes in panels(figure):
    whole = [line for line in axes.lines if len(line.get_xdata()) == 51]
    assert len(whole) == 3
    assert len({line.get_color() for line in whole}) == 3
  assert legend(figure) == [
    "BCE",
    "optimum of the curve",
    "2D Dice",
    "plateau of the optimum",
    "BCE + 2D Dice",
    "threshold 0.5",
  ]


def test_one_structure_and_one_objective(make_curve):
  figure = report.curves([make_curve()], "title")
  [axes] = panels(figure)
  assert axes.get_xlabel() == "threshold"
  assert axes.get_ylabel() == "Dice, validation"


@pytest.mark.parametrize("count", [2, 4, 5, 7, 9, 10, 11])
def test_grids_fit_their_structures(make_curve, count):
  curves = [make_curve(f"organ_{k}") for k in range(count)]
  figure = report.curves(curves, "title")
  shown = panels(figure)
  assert len(shown) == count
  assert len(figure.axes) - count < 3
  lowest = {axes.get_subplotspec().colspan.start: axes for axes in shown}
  assert all(axes.get_xlabel() == "threshold" for axes in lowest.values())


def test_a_chosen_threshold_off_the_optimum_is_a_ring(make_curve):
  same = make_curve(peak=0.4, chosen=0.4)
  other = make_curve(peak=0.4, chosen=0.52)
  ring = "threshold chosen on validation"
  assert ring not in legend(report.curves([same], ""))
  figure = report.curves([other], "")
  assert ring in legend(figure)
  [mark] = [line for line in figure.axes[0].lines if line.get_color() == "none"]
  assert mark.get_xdata() == [0.52]


def test_two_splits_are_told_apart(make_curve):
  curves = [make_curve(split=split) for split in ("validation", "test")]
  figure = report.curves(curves, "")
  assert {"validation", "test"} <= set(legend(figure))
  assert figure.axes[0].get_ylabel() == "Dice"


def test_undefined_dice_is_left_out(make_curve, tmp_path):
  curve = make_curve()
  curve.dice[-5:] = np.nan
  report.save(report.curves([curve], ""), tmp_path / "curves")


def test_no_curves():
  with pytest.raises(errors.DataError, match="figure 'a': no curves; sweep"):
    report.curves([], "a")


def test_a_curve_needs_lists_of_one_length():
  with pytest.raises(errors.DataError, match="curve of brain: thresholds"):
    report.Curve("brain", "bce", np.arange(3), np.arange(4), 0, 0, 0, 0)
