import math

import numpy as np
import pytest

from jaxseg import errors
from jaxseg.report import _wording


@pytest.mark.parametrize(
  ("name", "label"),
  [
    ("parotid_left", "left parotid"),
    ("spinal_cord", "spinal cord"),
    ("my_organ_right", "right my organ"),  # Not in the vocabulary.
    ("left", "left"),
    ("<b>", "<b>"),
  ],
)
def test_structure_label(name, label):
  assert _wording.structure_label(name) == label


def test_objective_label():
  assert _wording.objective_label("bce_dice") == "BCE + 2D Dice"
  assert _wording.objective_label("focal_tversky") == "focal tversky"


@pytest.mark.parametrize(
  ("column", "said"),
  [
    ("hd95_mm", "HD95 (mm)"),
    ("length_mm", "Length (mm)"),
    ("level_hu", "Level (HU)"),
    ("volume_ml", "Volume (mL)"),
    ("wall_s", "Wall (s)"),
    ("test_patients", "Test patients"),
    ("", ""),
  ],
)
def test_heading(column, said):
  assert _wording.heading(column) == said


@pytest.mark.parametrize(
  ("value", "text"),
  [
    (None, "–"),
    (True, "yes"),
    (np.bool_(False), "no"),
    (12345, "12345"),
    (-3, "−3"),
    (0.0, "0"),
    (0.5, "0.500"),
    (np.float32(0.25), "0.250"),
    (1234.6, "1235"),
    (0.00016, "1.6×10⁻⁴"),
    (-2.5e-12, "−2.5×10⁻¹²"),
    (math.nan, "n/a"),
    (math.inf, "∞"),
    (-math.inf, "−∞"),
    ("text", "text"),
  ],
)
def test_format_value(value, text):
  assert _wording.format_value(value) == text


def test_a_column_has_equal_decimals():
  shown = _wording.format_column("hd95_mm", [3.14159, 12.5, math.inf, None])
  assert shown == ["3.14", "12.50", "∞", "–"]
  assert _wording.format_column("dice", [1.0, 0.5]) == ["1.000", "0.500"]


def test_small_values_of_a_column_keep_two_digits():
  assert _wording.format_column("x", [0.5, 0.0067]) == ["0.5000", "0.0067"]
  assert _wording.format_column("x", [0.5, 1e-7]) == ["0.500", "1.0×10⁻⁷"]


def test_columns_with_labels():
  assert _wording.format_column("structure", ["brain", None]) == ["brain", "–"]
  assert _wording.format_column("objective", ["bce"]) == ["BCE"]
  assert _wording.format_column("definition", ["kept_slices"]) == [
    "kept slices"
  ]


def test_probabilities_are_not_padded():
  shown = _wording.format_column("pearson_p", [0.00016, 0.0123, 0.5, math.nan])
  assert shown == ["1.6×10⁻⁴", "0.012", "0.5", "n/a"]


def test_definitions():
  assert _wording.definition_label("kept_fraction") == "kept fraction"
  assert _wording.definition_label("volume_ml") == "volume, mL"
  assert _wording.definition_label("achieved_dice") == "achieved Dice"


@pytest.mark.parametrize(
  ("values", "numeric"),
  [([1, None], True), ([1.5, math.nan], True), ([None], False), ([], False),
   ([True], False), (["1", 2], False)],
)  # fmt: skip
def test_numeric_columns(values, numeric):
  assert _wording.is_numeric(values) == numeric


def test_rows_that_have_the_columns_pass():
  _wording.check("figure 'x'", [{"a": 1, "b": None}], ("a", "b"))


def test_no_rows():
  with pytest.raises(errors.DataError, match="figure 'x': no rows; run"):
    _wording.check("figure 'x'", [], ("a",))


def test_a_missing_column_is_named_with_its_row():
  rows = [{"a": 1, "b": 2}, {"a": 1}]
  with pytest.raises(errors.DataError, match="row 1 lacks b; give rows with"):
    _wording.check("figure 'x'", rows, ("a", "b"))


@pytest.mark.parametrize(
  ("criterion", "said"),
  [
    ("dice", "highest Dice"),
    ("iou", "highest IoU"),
    ("f2", "highest F2"),
    ("volume", "volume nearest to the reference's"),
    ("recall>=0.95", "fewest false positives with recall ≥ 0.95"),
    ("precision >= 0.9", "most true positives with precision ≥ 0.9"),
  ],
)
def test_a_choice_as_its_rule(criterion, said):
  assert _wording.choice_label(criterion) == said


def test_class_and_label():
  row = {"class": "tumour", "label": 2}
  assert _wording.class_label(row) == "class tumour, label 2"
  assert _wording.class_label({"class": None, "label": 1}) == "label 1"
  same = {"class": "tumour", "label": "tumour"}
  assert _wording.class_label(same) == "class and label tumour"
  assert _wording.class_label({"structure": "brain"}) == ""


def test_percentages():
  assert _wording.percent(0.0125) == "1.25 %"
  assert _wording.percent(-0.0125, 1) == "−1.2 %"
  assert _wording.percent(-0.0001, 1) == "0.0 %"  # A zero has no sign.
  assert _wording.percent(math.nan) == "n/a"


def test_networks():
  assert _wording.network_label("unet") == "U-Net"
  assert _wording.network_label("mine") == "mine"
  assert _wording.format_column("network", ["unet", None]) == ["U-Net", "–"]
