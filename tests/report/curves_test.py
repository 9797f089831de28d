"""Small multiples: of a run's models, and of anyone's maps."""

import math

from matplotlib import collections as mpl_collections
import numpy as np
import pytest

from jaxseg import errors
from jaxseg.report import _curves
from jaxseg.report import _style
from tests.report import conftest


def panels(figure):
  return [axes for axes in figure.axes if axes.get_visible()]


def legend(figure):
  return [text.get_text() for text in figure.legends[0].get_texts()]


def bands(axes):
  kind = mpl_collections.PolyCollection
  return [band for band in axes.collections if isinstance(band, kind)]


def reliability_rows(**who):
  return [
    {
      **who,
      "low": k / 15,
      "high": (k + 1) / 15,
      "confidence": (k + 0.5) / 15 if k else math.nan,
      "frequency": (k + 0.5) / 15 if k else math.nan,
      "voxels": 10**k if k < 5 else 7,
    }
    for k in range(15)
  ]


def surface_rows(**who):
  return [
    {
      **who,
      "threshold": k / 100,
      "hd95_mm": math.inf if k > 90 else 1 + abs(k - 40) / 2,
      "assd_mm": math.inf if k > 90 else abs(k - 40) / 9,
      "nsd_2mm": 1 - abs(k - 40) / 100,
    }
    for k in range(101)
  ]


OPTIMA = (("nsd_2mm", 0.4, 1.0), ("hd95_mm", 0.4, 1.0), ("assd_mm", 0.4, 0.0))


def surface_optima(**who):
  return [
    {**who, "metric": metric, "threshold": t, "value": value}
    for metric, t, value in OPTIMA
  ]


def test_a_panel_per_structure_and_a_line_per_objective(curves):
  figure = _curves.curves(*curves, "title")
  assert [axes.get_title("left") for axes in panels(figure)] == [
    "left parotid",
    "spinal cord",
    "brain",
  ]
  for axes in panels(figure):
    whole = [line for line in axes.lines if len(line.get_xdata()) == 51]
    assert len(whole) == 3
    assert len({line.get_color() for line in whole}) == 3
    assert len(bands(axes)) == 3
  assert set(legend(figure)) == {
    "BCE",
    "2D Dice",
    "BCE + 2D Dice",
    "optimum",
    "plateau of the optimum",
    "95 % interval of the threshold",
    "95 % interval of Dice",
    "threshold 0.5",
  }
  assert panels(figure)[0].get_ylabel() == "Dice, validation"


def test_marks_are_at_the_pooled_optimum(curves):
  figure = _curves.curves(*curves, "title")
  marks = [
    (round(float(line.get_xdata()[0]), 2), float(line.get_ydata()[0]))
    for line in figure.axes[0].lines
    if len(line.get_xdata()) == 1
  ]
  assert marks == [(0.3, 0.8), (0.4, 0.8), (0.5, 0.8)]
  ends = [
    [round(float(x), 2) for x in line.get_xdata()]
    for line in figure.axes[0].lines
    if line.get_linewidth() == 1.2
  ]
  assert ends == [[0.2, 0.4], [0.3, 0.5], [0.4, 0.6]]


def test_anyones_maps_have_one_panel_and_the_threshold_in_figures(tmp_path):
  rows, best = conftest.curve_rows()
  figure = _curves.curves(rows, [best], "5 cases")
  [axes] = panels(figure)
  assert axes.get_ylabel() == "Dice"
  assert axes.get_title("left") == ""
  assert "0.400 (0.300 to 0.500)" in [t.get_text() for t in axes.texts]
  assert {"pooled Dice", "mean of the cases' Dice"} <= set(legend(figure))
  _style.save(figure, tmp_path / "curve")


def test_one_case_has_one_line_and_no_band():
  rows, best = conftest.curve_rows(intervals=False)
  figure = _curves.curves(rows, [{**best, "cases": 1}], "1 case")
  [axes] = panels(figure)
  assert bands(axes) == []
  assert "0.400" in [t.get_text() for t in axes.texts]
  assert legend(figure) == [
    "pooled Dice", "optimum", "plateau of the optimum", "threshold 0.5"
  ]  # fmt: skip


def test_some_models_may_have_no_intervals(curves):
  rows, optima = curves
  own, best = conftest.curve_rows("parotid_left", "focal", intervals=False)
  figure = _curves.curves([*own, *rows], [best, *optima], "title")
  assert len(bands(figure.axes[0])) == 3
  assert "95 % interval of Dice" in legend(figure)


def test_of_several_seeds_the_first_is_drawn():
  rows, best = conftest.curve_rows("brain", "bce")
  again = [{**row, "seed": 1, "dice": 0.0} for row in rows]
  figure = _curves.curves(rows + again, [best, {**best, "seed": 1}], "")
  [whole] = [line for line in figure.axes[0].lines if len(line.get_xdata()) > 9]
  assert len(whole.get_xdata()) == 51
  assert whole.get_ydata().max() > 0.7


@pytest.mark.parametrize("count", [2, 4, 5, 7, 9, 10, 11])
def test_grids_fit_their_structures(count):
  rows, optima = [], []
  for k in range(count):
    own, best = conftest.curve_rows(f"organ_{k}", "bce")
    rows += own
    optima.append(best)
  figure = _curves.curves(rows, optima, "title")
  shown = panels(figure)
  assert len(shown) == count
  assert len(figure.axes) - count < 3
  lowest = {axes.get_subplotspec().colspan.start: axes for axes in shown}
  assert all(axes.get_xlabel() == "threshold" for axes in lowest.values())


def test_undefined_dice_is_left_out(tmp_path):
  rows, best = conftest.curve_rows("brain", "bce")
  for row in rows[-5:]:
    row |= {"dice": math.nan, "dice_low": math.nan, "dice_high": math.nan}
  _style.save(_curves.curves(rows, [best], ""), tmp_path / "curves")


def test_no_curves():
  with pytest.raises(errors.DataError, match="figure 'a': no rows; run"):
    _curves.curves([], [], "a")
  with pytest.raises(errors.DataError, match="row 0 lacks dice"):
    _curves.curves([{"threshold": 0.5}], [], "a")


def test_reliability_of_a_run_and_of_maps(tmp_path):
  run = [
    row
    for structure, objective in conftest.MODELS
    for row in reliability_rows(structure=structure, objective=objective)
  ]
  figure = _curves.reliability(run, "title")
  assert len(panels(figure)) == 3
  assert legend(figure) == ["BCE", "2D Dice", "BCE + 2D Dice", "calibrated"]
  maps = _curves.reliability(reliability_rows(), "title")
  above, below = panels(maps)
  assert above.get_ylabel() == "share in the reference"
  assert below.get_yscale() == "log"
  assert len(below.patches) == 15
  # Powers of ten are formulas of Matplotlib, whose names are none.
  assert below.yaxis.get_major_formatter()(1000, 0) == "1,000"
  for name, one in (("run", figure), ("maps", maps)):
    _style.save(one, tmp_path / name)


def test_surfaces_of_a_run_are_a_figure_per_metric(tmp_path):
  rows, optima = [], []
  for structure, objective in conftest.MODELS:
    who = {"structure": structure, "objective": objective}
    rows += surface_rows(**who)
    optima += surface_optima(**who)
  for column, scale in (("nsd_2mm", "linear"), ("hd95_mm", "symlog")):
    figure = _curves.surfaces(rows, optima, "title", column=column)
    assert len(panels(figure)) == 3
    assert {axes.get_yscale() for axes in panels(figure)} == {scale}
    assert "optimum" in legend(figure)
    _style.save(figure, tmp_path / column)
  line = figure.axes[0].lines[1]
  assert np.isnan(line.get_ydata()[91:]).all()


def test_surfaces_of_maps_are_a_panel_per_metric(tmp_path):
  figure = _curves.surfaces(surface_rows(), surface_optima(), "title")
  assert [axes.get_title("left") for axes in panels(figure)] == [
    "NSD at 2 mm", "HD95 (mm)", "ASSD (mm)"
  ]  # fmt: skip
  assert [axes.get_yscale() for axes in panels(figure)] == [
    "linear", "symlog", "symlog"
  ]  # fmt: skip
  _style.save(figure, tmp_path / "surfaces")


def test_surfaces_of_classes_are_a_panel_for_each():
  rows, optima = [], []
  for name in ("adrenal_gland_right", "adrenal_gland_left"):
    of = {"class": name, "label": name}
    rows += [{**of, **row} for row in surface_rows()]
    optima += [{**of, **row} for row in surface_optima()]
  figure = _curves.surfaces(rows, optima, "title", column="hd95_mm")
  assert [axes.get_title("left") for axes in panels(figure)] == [
    "class and label adrenal_gland_right", "class and label adrenal_gland_left"
  ]  # fmt: skip
  assert legend(figure) == ["median of the cases", "optimum", "threshold 0.5"]
  figure = _curves.surfaces(rows, optima, "title", column="nsd_2mm")
  assert legend(figure)[0] == "mean of the cases"


def test_a_structure_that_is_always_missed(tmp_path):
  rows = [{**r, "hd95_mm": math.inf, "assd_mm": math.inf}
          for r in surface_rows()]  # fmt: skip
  optima = [row for row in surface_optima() if row["metric"] == "nsd_2mm"]
  figure = _curves.surfaces(rows, optima, "title")
  _style.save(figure, tmp_path / "surfaces")


@pytest.mark.parametrize("at", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("dice", [0.02, 1.0])
def test_the_written_threshold_stays_in_the_panel(at, dice):
  row = {"aggregate": "pooled", "cases": 1, "threshold": at, "dice": dice}
  row |= {"plateau_low": at, "plateau_high": at}
  row |= {"level": 0.95, "threshold_low": 0.123, "threshold_high": 0.987}
  rows = [
    {"threshold": t, "dice": dice, "dice_low": dice, "dice_high": dice}
    for t in (0.0, at, 1.0)
  ]
  figure = _curves.curves(rows, [row], "title")
  figure.canvas.draw()
  (panel,) = figure.axes
  (text,) = panel.texts
  ours, box = text.get_window_extent(), panel.get_window_extent()
  assert box.x0 <= ours.x0 < ours.x1 <= box.x1
  assert box.y0 <= ours.y0 < ours.y1 <= box.y1


def test_classes_have_a_panel_each_and_the_rule_is_said():
  optima, rows = [], []
  for number, name in enumerate(("liver", "tumour")):
    of = {"class": name, "label": number + 1}
    optima.append(
      {**of, "aggregate": "pooled", "cases": 3, "threshold": 0.4, "dice": 0.8,
       "criterion": "recall>=0.9", "plateau_low": 0.4, "plateau_high": 0.4}
    )  # fmt: skip
    rows += [
      {**of, "threshold": t, "dice": 0.8 - t / 3, "dice_mean_case": 0.7}
      for t in (0.0, 0.4, 1.0)
    ]
  figure = _curves.curves(rows, optima, "title")
  titles = [panel.get_title(loc="left") for panel in figure.axes]
  assert titles == ["class liver, label 1", "class tumour, label 2"]
  said = [text.get_text() for text in figure.legends[0].get_texts()]
  assert "chosen: fewest false positives with recall ≥ 0.9" in said
  assert "pooled Dice" in said
