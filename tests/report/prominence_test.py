import math

import numpy as np
import pytest

from jaxseg import errors
from jaxseg.report import _prominence
from jaxseg.report import _style
from jaxseg.report import _wording

NAMES = ("brain", "spinal_cord", "parotid_left", "parotid_right", "neck_left")


def rows(definitions=("kept_slices",), objective="bce", factor=10.0):
  return [
    {
      "structure": name,
      "objective": objective,
      "definition": definition,
      "prominence": 0.001 * factor**k,
      "threshold": 0.2 + 0.05 * k,
    }
    for definition in definitions
    for k, name in enumerate(NAMES)
  ]


def correlation(definition="kept_slices", **changed):
  return {
    "definition": definition,
    "objective": "bce",
    "pearson": 0.92,
    "pearson_p": 1.6e-4,
    "spearman": -0.5,
    "spearman_p": 0.123,
    "n": 10,
  } | changed


def panels(figure):
  return [axes for axes in figure.axes if axes.get_visible()]


def test_the_correlation_is_the_panels_title():
  figure = _prominence.prominence(rows(), [correlation()], "title")
  [axes] = panels(figure)
  assert axes.get_title("left") == (
    "r = 0.92 (p = 1.6×10⁻⁴),  ρ = −0.50 (p = 0.12),  n = 10"
  )
  assert axes.get_xlabel() == "kept slices"
  assert axes.get_ylabel() == "optimal threshold, BCE"


def test_undefined_and_absent_correlations_are_said():
  given = [correlation("a", pearson=math.nan, spearman=None)]
  figure = _prominence.prominence(rows(("a", "b")), given, "title")
  assert [axes.get_title("left") for axes in panels(figure)] == [
    "r undefined,  ρ undefined,  n = 10",
    "no correlation computed",
  ]


def test_a_wide_range_is_logarithmic_with_the_line_of_the_values():
  figure = _prominence.prominence(rows(), [], "title")
  [axes] = panels(figure)
  assert axes.get_xscale() == "log"
  x, y = axes.lines[0].get_data()
  steps = np.diff(y) / np.diff(x)
  np.testing.assert_allclose(steps, steps[0], rtol=1e-6)
  [note] = [
    text.get_text() for text in figure.texts if "Pearson" in text.get_text()
  ]
  assert "also where an axis is logarithmic" in note


def test_a_narrow_range_is_linear():
  [axes] = panels(_prominence.prominence(rows(factor=1.1), [], "title"))
  assert axes.get_xscale() == "linear"


def test_values_below_zero_are_linear():
  given = rows()
  given[0]["prominence"] = -1.0
  [axes] = panels(_prominence.prominence(given, [], "title"))
  assert axes.get_xscale() == "linear"


def test_at_most_four_definitions():
  figure = _prominence.prominence(rows("abcde"), [], "title")
  assert [axes.get_xlabel() for axes in panels(figure)] == list("abcd")


def test_every_point_is_named_and_seeds_are_averaged():
  given = rows() + [row | {"threshold": 0.3} for row in rows()]
  [axes] = panels(_prominence.prominence(given, [], "title"))
  said = sorted(text.get_text() for text in axes.texts if text.get_text())
  assert said == sorted(map(_wording.structure_label, NAMES))
  [points] = axes.collections
  np.testing.assert_allclose(
    points.get_offsets()[:, 1], [0.25, 0.275, 0.3, 0.325, 0.35]
  )


def test_the_objective_shown():
  both = rows(objective="dice") + rows(objective="bce")
  [axes] = panels(_prominence.prominence(both, [], ""))
  assert axes.get_ylabel() == "optimal threshold, BCE"
  [axes] = panels(_prominence.prominence(rows(objective="dice"), [], ""))
  assert axes.get_ylabel() == "optimal threshold, 2D Dice"
  [axes] = panels(_prominence.prominence(both, [], "", objective="dice"))
  assert axes.get_ylabel() == "optimal threshold, 2D Dice"


def test_a_single_point_twice_gives_the_same_bytes(tmp_path):
  for name in ("a", "b"):
    _style.save(_prominence.prominence(rows()[:1], [], "t"), tmp_path / name)
  for kind in ("svg", "png"):
    one, other = (tmp_path / f"{name}.{kind}" for name in ("a", "b"))
    assert one.read_bytes() == other.read_bytes()


def test_no_row_of_the_objective():
  with pytest.raises(errors.DataError, match="no finite row of objective 'x'"):
    _prominence.prominence(rows(), [], "title", objective="x")
  given = [row | {"prominence": math.nan} for row in rows()]
  with pytest.raises(errors.DataError, match="no finite row"):
    _prominence.prominence(given, [], "title")
