"""Charts of the page: what plotly takes, and the numbers in them."""

import html
import math

import numpy as np
from plotly import graph_objects
import pytest

from jaxseg import errors
from jaxseg import report
from jaxseg.report import _cause_curves
from jaxseg.report import _chart_causes
from jaxseg.report import _chart_lines
from jaxseg.report import _chart_objectives
from jaxseg.report import _chart_prominence
from jaxseg.report import _chart_sensitivity
from jaxseg.report import _charts
from jaxseg.report import _page
from jaxseg.report import _palette
from tests.report import conftest


def check(chart):
  """Plotly knows each option, and each group is in the legend or nowhere."""
  groups = {one.group for one in chart.legend if one.group}
  for panel in chart.panels:
    graph_objects.Figure(panel.traces, panel.layout)
    assert panel.said
    for trace in panel.traces:
      assert set(trace["meta"]) <= groups | {""}
      assert len(trace["x"]) == len(trace["y"])
  _page._chart(chart)  # It is JSON without NaN.
  return chart


def named(panel, *groups):
  """The traces of exactly these groups."""
  return [t for t in panel.traces if t["meta"] == list(groups)]


def test_curves_of_a_run(curves):
  chart = check(_chart_lines.curves(*curves, "t"))
  assert [one.title for one in chart.panels] == [
    "left parotid", "spinal cord", "brain"
  ]  # fmt: skip
  assert [one.label for one in chart.legend][:3] == [
    "BCE", "2D Dice", "BCE + 2D Dice"
  ]  # fmt: skip
  band, line, mark = named(chart.panels[0], "bce")
  assert band["fill"] == "toself"
  assert len(line["x"]) == 51
  assert (mark["x"], mark["y"]) == ([0.3], [0.8])
  assert mark["error_x"]["arrayminus"] == [0.1]
  assert "BCE best at 0.300 with 0.800" in chart.panels[0].said


def test_other_seeds_and_test_patients_have_switches_of_their_own():
  rows, best = conftest.curve_rows("brain", "bce")
  rows = [{**row, "dice_test": row["dice"] - 0.1} for row in rows]
  for seed in (1, 2):
    rows += [{**row, "seed": seed, "dice": 0.5} for row in rows[:51]]
  # A level of negatives is another experiment, not another seed.
  rows += [{**row, "seed": 3, "negatives": 4.0} for row in rows[:51]]
  chart = check(_chart_lines.curves(rows, [best], "t"))
  on = {one.group: one.on for one in chart.legend if one.group}
  assert on == {"bce": True, "test patients": False, "other seeds": True}
  [test] = named(chart.panels[0], "bce", "test patients")
  assert test["y"][20] == pytest.approx(0.7, abs=1e-4)
  [seeds] = named(chart.panels[0], "bce", "other seeds")
  assert len(seeds["x"]) == 2 * 51 + 1
  assert seeds["x"][51] is None  # A gap, so that no line joins two seeds.


def test_curves_of_maps_without_intervals():
  rows, best = conftest.curve_rows(intervals=False)
  chart = check(_chart_lines.curves(rows, [best], "t"))
  assert [one.title for one in chart.panels] == [""]
  assert chart.panels[0].wide
  assert [one.label for one in chart.legend] == [
    "pooled Dice", "mean of the cases' Dice", "optimum", "threshold 0.5"
  ]  # fmt: skip


def test_reliability_has_the_diagonal_for_the_half():
  rows = [
    {"structure": "brain", "objective": "bce", "seed": 0,
     "confidence": c, "frequency": f}
    for c, f in ((0.1, 0.2), (math.nan, math.nan), (0.9, 0.8))
  ]  # fmt: skip
  chart = check(_chart_lines.reliability(rows, "t"))
  [line] = named(chart.panels[0], "bce")
  assert line["y"] == [0.2, None, 0.8]
  [shape] = chart.panels[0].layout["shapes"]
  assert (shape["x0"], shape["y1"]) == (0, 1)


def test_distances_are_logarithmic_and_read_as_they_are():
  rows = [
    {"structure": "brain", "objective": "bce", "seed": 0, "threshold": t,
     "hd95_mm": hd, "assd_mm": 1.0, "nsd_2mm": 0.5}
    for t, hd in ((0.0, 200.0), (0.5, 0.0), (1.0, math.inf))
  ]  # fmt: skip
  best = [
    {"structure": "brain", "objective": "bce", "metric": "hd95_mm",
     "threshold": 0.5, "value": 0.0}
  ]  # fmt: skip
  chart = check(_chart_lines.surfaces(rows, best, "t", column="hd95_mm"))
  [panel] = chart.panels
  line, mark = named(panel, "bce")
  assert panel.layout["yaxis"]["type"] == "log"
  assert line["y"] == [200.0, 0.35, None]
  assert line["customdata"] == [200.0, 0.0, None]
  assert mark["y"] == [0.35]
  near = check(_chart_lines.surfaces(rows, best, "t", column="nsd_2mm"))
  assert "type" not in near.panels[0].layout["yaxis"]


def test_sensitivity_beside_the_papers(sensitivity_rows):
  rows = [
    {**row, "reduction_test": math.nan if row["perturbation"] < 0 else 0.02}
    for row in sensitivity_rows
  ]
  chart = check(_chart_sensitivity.sensitivity(rows, "t"))
  left, right = chart.panels
  [own] = named(left, "bce", "reduction")
  assert own["x"] == [5.0, 5.0, 10.0, 10.0, 15.0, 15.0]
  assert own["marker"]["symbol"][:2] == ["triangle-left", "triangle-right"]
  assert own["text"][0] == "left parotid, BCE, -0.05: 5.00 %"
  [test] = named(left, "bce", "reduction_test")
  assert test["x"] == [2.0] * 3  # A side that leaves [0, 1] is left out.
  _, median = named(right, "bce", "reduction")
  assert median["y"][median["x"].index(0.05)] == 10.0
  assert "reported" in chart.legend[-1].label


def test_prominence_numbers_structures_alike_in_all_panels():
  rows = [
    {"structure": structure, "objective": objective, "definition": name,
     "prominence": 10.0**-k, "threshold": 0.1 * k}
    for k, structure in enumerate(conftest.STRUCTURES, start=1)
    for objective in ("bce", "dice")
    for name in ("kept_fraction", "volume_ml")
  ]  # fmt: skip
  found = [
    {"definition": "volume_ml", "objective": "bce", "pearson": 0.5, "n": 3}
  ]
  chart = check(_chart_prominence.prominence(rows, found, "t", objective="bce"))
  first, second = chart.panels
  assert first.layout["xaxis"]["type"] == "log"
  assert first.note == "BCE: no correlation computed"
  assert "r\u00a0=\u00a00.50" in second.note
  [own] = named(first, "bce")
  assert own["text"] == ["1", "2", "3"]
  assert own["hovertext"][2] == "brain, BCE: best threshold 0.300 at 0.001"
  on = {one.group: one.on for one in chart.legend if one.group}
  assert on == {"bce": True, "dice": False}
  assert chart.legend[-1].label == "3 brain"
  with pytest.raises(errors.DataError, match="no finite row of objective"):
    _chart_prominence.prominence(rows, found, "t", objective="focal")


def test_objectives_and_what_was_missed(objective_rows):
  objective_rows[0]["hd95_mm"] = math.inf
  objective_rows[1]["hd95_mm"] = math.nan
  chart = check(_chart_objectives.objectives(objective_rows, "t"))
  titles = [one.title for one in chart.panels]
  assert titles == [
    "Dice, test patients", "Dice lost at ±0.05, validation", "HD95, mm",
    "ASSD, mm",
  ]  # fmt: skip
  [own] = named(chart.panels[0], "bce", "own threshold")
  assert own["x"] == [0.8, 0.81, 0.82]
  assert own["text"][0] == "left parotid, BCE, at its own threshold: 0.800"
  [half] = named(chart.panels[0], "bce", "threshold 0.5")
  assert half["marker"]["symbol"] == "circle-open"
  assert half["text"][0].endswith("at 0.5: 0.700")
  [lost] = named(chart.panels[1], "bce", "own threshold")
  assert lost["x"][0] == 5.0
  assert chart.panels[2].note == "infinite, not drawn: 1"


def cause_rows():
  """Two kinds of network, two models each."""
  rows, arms = [], []
  for dropout, lost in (("image,stretch,last,rest", 0.2), ("rest", 0.01)):
    kind = {
      "network": "bice2020", "dropout_at": dropout, "steps_asked": 500,
      "objective": "bce", "negatives": 0.25, "scope": "kept",
    }  # fmt: skip
    for seed in (0, 1):
      rows.append(
        {**kind, "structure": "brain", "seed": seed, "dice": 0.8,
         "half_of_dice": 0.4, "threshold": 0.1, "lost_minus": lost,
         "lost_plus": math.nan}
      )  # fmt: skip
    arms.append(
      {**kind, "lost": lost, "lost_low": lost / 2, "lost_high": 2 * lost,
       "lost_half": 0.3, "lost_difference": math.nan, "models": 2,
       "threshold": 0.1, "half_rule": 1, "beyond_bound": 1,
       "compared_with": "", "p_holm": math.nan}
    )  # fmt: skip
  return rows, arms


def test_causes_beside_what_calibration_allows():
  chart = check(_chart_causes.causes(*cause_rows(), "t"))
  costs, below, above, half = chart.panels
  one, other = [entry.label for entry in chart.legend[:2]]
  assert one == "the authors' network"
  assert other == "the authors' network without one-channel dropout"
  [cost] = named(costs, one)
  assert cost["x"] == [20.0]
  assert cost["error_x"]["array"] == [20.0]
  assert cost["text"][0].endswith("20.0 % (10.0 to 40.0 %)")
  [bound] = named(below)
  by_dice = dict(zip(bound["x"], bound["y"], strict=True))
  assert by_dice[0.81] == pytest.approx(4.2, abs=0.3)
  assert named(below, one)[0]["y"] == [20.0, 20.0]
  assert named(above, one)[0]["y"] == []  # That side leaves [0, 1].
  assert named(half, other)[0]["x"] == [0.4, 0.4]


def test_a_section_of_causes(tmp_path, provenance):
  rows, arms = cause_rows()
  rows.append({**rows[0], "seed": 2, "dice": 0.01})  # It never learnt.
  arms[0] |= {"steps_asked": 500, "steps_least": 220, "steps_most": 500}
  arms[0] |= {"compared_with": "dropout at rest", "lost_difference": 0.193}
  section = report.causes_section(tmp_path, rows, arms, provenance)
  assert section.rows[0]["steps"] == "220 to 500"
  assert section.rows[1]["steps"] == "at most 500"
  assert section.rows[0]["lost_difference_said"] == "19.3"
  assert "to the authors' network without one-channel dropout" in section.text
  [chart] = section.charts
  costs, below, *_ = chart.panels
  assert named(below, "the authors' network")[0]["x"] == [0.8, 0.8]
  # A long name is broken, or a phone has no room for the values.
  ticks = costs.layout["yaxis"]["ticktext"]
  lines = [html.unescape(line) for one in ticks for line in one.split("<br>")]
  assert max(map(len, lines)) <= 22 and len(lines) > len(ticks)
  assert [path.name for path in section.tables] == [
    "cause_arms.csv", "causes.csv"
  ]  # fmt: skip
  assert all(path.is_file() for path in section.tables)
  assert section.rows[0]["lost_interval"] == "10.0 % to 40.0 %"
  assert section.rows[1]["kind"].endswith("without one-channel dropout")
  assert set(section.headings) <= set(section.rows[0])
  assert not section.figures


def test_curves_of_networks_are_drawn_beside_each_other(tmp_path, provenance):
  rows, arms = cause_rows()
  for row in rows:
    row["dice_test"] = 0.7
  # One that never learnt has no dot.
  rows.append({**rows[0], "seed": 2, "dice": 0.01, "dice_test": 0.01})
  settings = ("network", "dropout_at", "steps_asked", "objective", "negatives")
  curves = [
    {**{name: arm[name] for name in settings}, "structure": organ,
     "threshold": t, "dice_test": 0.5, "dice_test_least": 0.4,
     "dice_test_most": 0.6}
    for arm in arms for organ in ("brain", "<larynx>") for t in (0.0, 0.5, 1.0)
  ]  # fmt: skip
  section = report.causes_section(
    tmp_path, rows, arms, provenance, curves=curves
  )
  assert section.tables[-1].name == "cause_curves.csv"
  [path] = section.figures
  assert path.is_file() and path.with_suffix(".png").is_file()
  # The page shows the same, in the colours of the chart below it.
  chart, below = map(check, section.charts)
  assert [panel.title for panel in chart.panels] == ["brain", "<larynx>"]
  assert [one.label for one in chart.legend[:2]] == [
    "the authors' network", "the authors' network without one-channel dropout",
  ]  # fmt: skip
  assert [one.color for one in chart.legend[:2]] == [
    one.color for one in below.legend[:2]
  ]
  band, line, dots = named(chart.panels[0], "the authors' network")
  assert band["y"] == [0.4] * 3 + [0.6] * 3
  assert line["x"] == [0, 0.5, 1] and line["y"] == [0.5] * 3
  assert dots["x"] == [0.1, 0.1] and dots["y"] == [0.7, 0.7]
  assert "without one-channel dropout highest at" in chart.panels[1].said
  figure = _cause_curves.cause_curves(curves, rows, "title")
  one, other = figure.axes
  assert [a.get_title(loc="left") for a in (one, other)] == [
    "brain",
    "<larynx>",
  ]
  dots = [line for line in one.lines if len(line.get_xdata()) == 1]
  assert [line.get_xdata()[0] for line in dots] == [0.1] * 4
  assert [text.get_text() for text in figure.legends[0].get_texts()] == [
    "the authors' network", "the authors' network without one-channel dropout",
    "0.5",
  ]  # fmt: skip


def test_text_of_data_is_no_markup():
  name = "<b onload='x'>&\"</b>"
  assert "<" not in _charts.text(name)
  rows, best = conftest.curve_rows("a<br>b", "my:<b>x</b>")
  chart = check(_chart_lines.curves(rows, [best], "t"))
  for trace in chart.panels[0].traces:
    assert "<" not in trace.get("name", "")


def test_a_band_leaves_out_what_is_not_there():
  band = _charts.band([0, 1, 2], [0, np.nan, 1], [1, 2, 3], "#0072b2", ["a"])
  assert band["x"] == [0, 2, 2, 0]
  assert band["y"] == [0, 1, 3, 1]
  assert band["fillcolor"] == "rgba(0,114,178,0.15)"


def contrast(one, other):
  """Ratio of two colours' luminance, WCAG 2."""

  def luminance(color):
    parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (
      p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue

  high, low = sorted((luminance(one), luminance(other)), reverse=True)
  return (high + 0.05) / (low + 0.05)


def test_colours_of_lines_stand_out_in_dark_and_in_light():
  for color in ("#0072b2", "#d55e00", "#009e73"):
    assert contrast(color, _palette.PAPER) > 3
    dark = _palette.of_dark(color)
    assert contrast(dark, _palette.of_dark(_palette.PAPER)) > 4.5
    assert _palette.dark()[_palette.faded(color)] == _palette.faded(dark)
