"""The chosen threshold, kept in a file: threshold.json."""

from collections.abc import Mapping
import dataclasses
import math
import numbers
import os
import pathlib
from typing import Any

from jaxseg import _files
from jaxseg import _sealed
from jaxseg import errors

_SCHEMA = "jaxseg.threshold/1"
_RULE = "float32(p) >= float32(threshold)"
_NUMBER = (float, type(None))
_KINDS: dict[str, _sealed.Kind] = {
  "threshold": float,
  "criterion": str,
  "value": _NUMBER,
  "patients": int,
}
_OPTIONAL: dict[str, tuple[Any, _sealed.Kind]] = {
  "low": (None, _NUMBER),
  "high": (None, _NUMBER),
  "level": (None, _NUMBER),
  "interval": (None, (list, type(None))),
  "structure": (None, (str, int, type(None))),
  "aggregate": ("pooled", str),
  "scope": ("volume", str),
  "details": ({}, dict),
}


@dataclasses.dataclass(frozen=True)
class ChosenThreshold:
  """A threshold, with what it was chosen for and on whom.

  >>> chosen = ChosenThreshold(0.38, criterion="dice", value=0.81, patients=15)
  >>> chosen.threshold
  0.38

  Attributes:
    threshold: In [0, 1]; a voxel is inside where float32(p) >=
      float32(threshold), as in `binarize`.
    criterion: What it was chosen for, as in `optimum`.
    value: The criterion there, on the patients it was chosen on.
    patients: Number of these patients.
    aggregate: "pooled" or "mean_case".
    scope: The voxels that counted, such as "known" or "volume".
    low: First threshold of the plateau of equally good ones.
    high: Last threshold of that plateau.
    interval: Confidence interval of the threshold; None if there is none.
    level: Level of the interval.
    structure: Canonical name, or a class of the maps; None if unknown.
    details: Anything else worth keeping, JSON-able: other optima, calibration,
      provenance.
  """

  threshold: float
  criterion: str
  value: float
  patients: int
  aggregate: str = "pooled"
  scope: str = "volume"
  low: float | None = None
  high: float | None = None
  interval: tuple[float, float] | None = None
  level: float | None = None
  structure: str | None = None
  details: Mapping[str, Any] = dataclasses.field(default_factory=dict)

  def __post_init__(self):
    cut = self.threshold
    number = isinstance(cut, numbers.Real) and not isinstance(cut, bool)
    if not number or not 0 <= cut <= 1:
      raise errors.ConfigError(f"threshold is {cut!r}; give a number in [0, 1]")
    if self.patients != int(self.patients):
      raise errors.ConfigError(
        f"patients is {self.patients!r}; give a whole number"
      )
    # NumPy's numbers are not JSON's.
    object.__setattr__(self, "threshold", float(cut))
    object.__setattr__(self, "patients", int(self.patients))
    if self.interval is not None and any(map(math.isnan, self.interval)):
      object.__setattr__(self, "interval", None)

  def write(self, path: str | os.PathLike) -> None:
    """Writes threshold.json in one step."""
    content = dataclasses.asdict(self)
    details = content.pop("details")
    content = {"schema": _SCHEMA, "rule": _RULE, **content, "details": details}
    _sealed.write(pathlib.Path(path), _files.finite(content))

  @staticmethod
  def read(path: str | os.PathLike) -> "ChosenThreshold":
    """Reads threshold.json.

    Args:
      path: The file, or the folder that holds it.

    Raises:
      DataError: The file is missing, damaged or of another version.
    """
    where = pathlib.Path(path)
    if where.is_dir():
      where = where / "threshold.json"
    content = _files.read_json(where)
    again = "run the sweep that writes it again"
    if not isinstance(content, dict) or "threshold" not in content:
      raise errors.DataError(f"{where}: holds no threshold; {again}")
    schema = content.get("schema", "an older version without a schema")
    if schema != _SCHEMA:
      raise errors.DataError(
        f"{where}: written as {schema}, this version reads {_SCHEMA}; {again}"
      )
    content = _sealed.opened(where, content, again=again)
    for name in ("schema", "rule"):
      content.pop(name, None)
    _sealed.check(where, content, _KINDS, again=again)
    defaults = {name: value for name, (value, _) in _OPTIONAL.items()}
    kinds = {name: kind for name, (_, kind) in _OPTIONAL.items()}
    _sealed.check(where, {**defaults, **content}, kinds, again=again)
    try:
      if content.get("interval") is not None:
        low, high = content["interval"]
        content["interval"] = (float(low), float(high))
      return ChosenThreshold(**content)
    except (TypeError, ValueError) as e:
      raise errors.DataError(
        f"{where}: an entry is missing, unknown or malformed ({e}); {again}"
      ) from e
