"""Names and numbers as people read them."""

from collections.abc import Mapping, Sequence
import math
from typing import Any

from jaxseg import errors
from jaxseg import structures

_OBJECTIVES = {
  "bce": "BCE",
  "dice": "2D Dice",
  "bce_dice": "BCE + 2D Dice",
  "dice_batch": "batch Dice",
  "bce_dice_batch": "BCE + batch Dice",
}
_HEADINGS = {
  "assd_mm": "ASSD (mm)",
  "dice_argmax": "Dice by argmax",
  "dice_half": "Dice at 0.5",
  "dice_optimum": "Dice at own threshold",
  "hd95_mm": "HD95 (mm)",
  "n": "n",
  "nsd_2mm": "NSD at 2 mm",
  "nsd_2mm_half": "NSD at 2 mm, cut at 0.5",
  "pearson": "Pearson r",
  "pearson_p": "p (Pearson)",
  "sensitivity": "Dice lost at ±0.05",
  "spearman": "Spearman ρ",
  "spearman_p": "p (Spearman)",
}
_DEFINITIONS = {"achieved_dice": "achieved Dice", "volume_ml": "volume, mL"}
_UNITS = {"mm": "mm", "ml": "mL", "hu": "HU", "gy": "Gy", "s": "s"}
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def structure_label(name: str) -> str:
  """A structure's name for people: "left parotid" of "parotid_left".

  A name outside of the vocabulary follows the same rule.
  """
  try:
    return structures.get(name).label
  except errors.StructureNotFoundError:
    base, _, side = name.rpartition("_")
    words = f"{side} {base}" if base and side in ("left", "right") else name
    return words.replace("_", " ")


def class_label(row: Mapping[str, Any]) -> str:
  """What a row of maps is of: "class tumour, label 2"; "" if not told."""
  found, label = row.get("class"), row.get("label")
  if isinstance(found, str) and found == label:
    return f"class and label {found}"
  said = [] if found is None else [f"class {found}"]
  if label is not None:
    said.append(f"label {label}")
  return ", ".join(said)


def maps_said(optima: Sequence[Mapping[str, Any]]) -> str:
  """What was swept: "12 cases, class tumour, label 2" or "of 3 classes"."""
  number = optima[0].get("cases", 0)
  said = f"{number} case{'s' if number != 1 else ''}"
  labels = dict.fromkeys(class_label(row) for row in optima)
  if len(labels) > 1:
    return f"{said}, {len(labels)} classes"
  return ", ".join(filter(None, (said, *labels)))


def choice_label(criterion: str) -> str:
  """What a threshold was chosen for, as a rule: "highest Dice" of "dice"."""
  metric, bounded, bound = criterion.replace(" ", "").partition(">=")
  if bounded:
    goal = "fewest false positives" if metric == "recall" else ""
    goal = goal or "most true positives"
    return f"{goal} with {metric} ≥ {bound}"
  if metric == "volume":
    return "volume nearest to the reference's"
  names = {"dice": "Dice", "iou": "IoU"}
  name = names.get(metric, metric.upper() if metric[:1] == "f" else metric)
  return f"highest {name}"


def objective_label(name: str) -> str:
  """A training objective's name for people: "BCE + 2D Dice" of "bce_dice".

  Of other losses it is the name without underscores, of an import path that of
  the function.
  """
  own = name.rpartition(":")[2]
  return _OBJECTIVES.get(own, own.replace("_", " "))


def network_label(name: str) -> str:
  """A network's name for people: "U-Net" of "unet"."""
  if name == "unet":
    return "U-Net"
  known = {
    "bice2020, dropout at image,stretch,last,rest": "the authors' network",
    "bice2020, dropout at rest": "the authors' network without one-channel"
    " dropout",
    "bice2020, dropout at none": "the authors' network without dropout",
  }
  return known.get(name, name.replace("bice2020", "the authors' network"))


def definition_label(name: str) -> str:
  """A definition's name for people: "kept fraction" of "kept_fraction"."""
  return _DEFINITIONS.get(name, name.replace("_", " "))


def heading(column: str) -> str:
  """A column's name for people, with its unit: "HD95 (mm)" of "hd95_mm"."""
  if column in _HEADINGS:
    return _HEADINGS[column]
  words, _, unit = column.rpartition("_")
  said = f" ({_UNITS[unit]})" if words and unit in _UNITS else ""
  words = (words if said else column).replace("_", " ")
  return words[:1].upper() + words[1:] + said


def format_value(value: Any) -> str:
  """One value, numbers with three significant digits.

  Returns:
    Text without markup: "–" where there is no value, "n/a" for NaN.
  """
  value = plain(value)
  if value is None:
    return "–"
  if isinstance(value, bool):
    return "yes" if value else "no"
  if isinstance(value, int):
    return f"{value}".replace("-", "−")
  if isinstance(value, float):
    return _format_float(value)
  return str(value)


def format_column(column: str, values: Sequence[Any]) -> list[str]:
  """A column's values, numbers with the decimals that suit all of them.

  Args:
    column: Key in a table's rows; structures, objectives and definitions get
      their labels.
    values: Text, numbers, bools or None.
  """
  values = [plain(value) for value in values]
  if column in _LABELS:
    label = _LABELS[column]
    return [label(v) if isinstance(v, str) else format_value(v) for v in values]
  if column == "p" or column.endswith("_p"):
    return [format_probability(v) for v in values]
  floats = [v for v in values if isinstance(v, float) and math.isfinite(v)]
  sizes = [abs(v) for v in floats if v != 0]
  if not sizes or min(sizes) < 1e-4 or max(sizes) >= 1e6:
    return [format_value(v) for v in values]
  # Equal decimals make a column comparable: as many as suit the largest
  # value, and more where the smallest would be left with a single digit.
  usual = sum(max(sizes) <= most for most in (1.0, 100.0, 1000.0))
  decimals = max(usual, 1 - math.floor(math.log10(min(sizes))))
  return [
    f"{v:z.{decimals}f}".replace("-", "−")
    if isinstance(v, float) and math.isfinite(v)
    else format_value(v)
    for v in values
  ]


def format_probability(value: Any) -> str:
  """A test's p with two significant digits: "0.012" or "1.6×10⁻⁴"."""
  value = plain(value)
  if isinstance(value, float) and 1e-3 <= value <= 1:
    return f"{value:.2g}"
  return format_value(value)


def percent(value: float, digits: int = 2) -> str:
  """A share as a percentage: "1.25 %" of 0.0125; "n/a" for NaN."""
  if math.isnan(value):
    return format_value(value)
  value = float(f"{value:.6g}")  # As tables have it: both round to the same.
  # A rounded zero has no sign.
  return f"{round(100 * value, digits) + 0.0:.{digits}f} %".replace("-", "−")


def listed(lead: str, sentences: Sequence[str]) -> str:
  """Lines with a dash behind a lead, which the page makes a list."""
  return "\n".join(filter(None, [lead, *(f"- {one}" for one in sentences)]))


def plain(value: Any) -> Any:
  """A NumPy or JAX scalar as Python's own; all else as it is."""
  return value.item() if hasattr(value, "item") else value


def is_numeric(values: Sequence[Any]) -> bool:
  """Whether a column holds numbers, and nothing else but None."""
  kept = [value for value in map(plain, values) if value is not None]
  return bool(kept) and all(
    isinstance(value, int | float) and not isinstance(value, bool)
    for value in kept
  )


def is_finite(value: Any) -> bool:
  """Whether a cell holds a finite number."""
  return value is not None and math.isfinite(value)


def check(
  what: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]
) -> None:
  """Raises DataError unless there are rows and each has the columns."""
  if not rows:
    raise errors.DataError(
      f"{what}: no rows; run the analysis that makes them first"
    )
  for number, row in enumerate(rows):
    missing = [name for name in columns if name not in row]
    if missing:
      raise errors.DataError(
        f"{what}: row {number} lacks {', '.join(missing)};"
        f" give rows with {', '.join(columns)}"
      )


_LABELS = {
  "definition": definition_label,
  "metric": heading,
  "network": network_label,
  "objective": objective_label,
  "structure": structure_label,
}


def _format_float(value: float) -> str:
  if math.isnan(value):
    return "n/a"
  if math.isinf(value):
    return "∞" if value > 0 else "−∞"
  if value == 0 or 1e-3 <= abs(value) < 1e6:
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:.{digits}f}".replace("-", "−")
  mantissa, exponent = f"{value:.1e}".split("e")
  power = str(int(exponent)).translate(_SUPERSCRIPTS)
  return f"{mantissa.replace('-', '−')}×10{power}"
