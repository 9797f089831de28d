"""The optimum against the level of negatives, as a figure and in words."""

import pytest

from jaxseg import report
from jaxseg.report import _level_section


def row(structure, kept, threshold):
  return {
    "structure": structure,
    "objective": "bce",
    "seed": 0,
    "negatives": 0.25,
    "kept_fraction": kept,
    "threshold": threshold,
  }


@pytest.mark.parametrize("highest", [0.17, 0.95])
def test_levels_within_a_decade_have_ticks_and_fill_the_panel(highest):
  rows = [row("mandible", 0.0019, 0.04), row("mandible", 0.0076, highest)]
  figure = _level_section.levels(rows, "levels")
  figure.canvas.draw()
  (panel,) = figure.axes
  ends = panel.get_xlim()
  shown = [
    label.get_text()
    for place, label in zip(
      panel.get_xticks(), panel.get_xticklabels(), strict=True
    )
    if ends[0] <= place <= ends[1]
  ]
  assert shown == ["0.002", "0.005"]
  assert highest < panel.get_ylim()[1] <= min(1, max(0.25, 1.2 * highest))


def test_slopes_are_one_sentence(tmp_path):
  slopes = [
    {"statement": f"slope, {name}", "value": 0.05, "low": 0.04, "high": 0.06,
     "verdict": "confirmed"}
    for name in ("mandible", "parotid_left")
  ]  # fmt: skip
  origin = report.provenance(
    cohort="made up", cohort_hash="0", synthetic=True, seed=0, command="test"
  )
  rows = [row("mandible", 0.0019, 0.04), row("mandible", 0.0076, 0.17)]
  section = report.levels_section(tmp_path, rows, slopes, origin)
  assert section.text.endswith(
    ": mandible 0.050 (0.040 to 0.060), confirmed;"
    " left parotid 0.050 (0.040 to 0.060), confirmed."
  )
