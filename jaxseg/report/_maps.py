"""All that a sweep over anyone's maps leaves in a folder."""

from collections.abc import Mapping, Sequence
import pathlib
from typing import Any

from jaxseg import _files
from jaxseg import study
from jaxseg import thresholds
from jaxseg.report import _map_figures
from jaxseg.report import _style
from jaxseg.report import _tables


def write_maps(
  folder: pathlib.Path,
  found: study.MapCounts,
  settings: study.MapSettings,
  provenance: Mapping[str, Any],
) -> tuple[list[dict[str, Any]], dict[str, Any], list[pathlib.Path]]:
  """Writes counts, tables, figures and threshold.json.

  Args:
    folder: The folder.
    found: Counts of the cases.
    settings: How the optimum is chosen.
    provenance: What `report.provenance` gave.

  Returns:
    Rows of the optima, the calibration, and the files written.

  Raises:
    DataError: No case has the structure, or a bound cannot be kept.
  """
  optima = study.map_optimum_rows(found, settings)
  curve = study.map_curve_rows(found, settings)
  cases = study.map_case_rows(found, optima[0]["threshold"])
  calibration = study.map_calibration(found)
  files = [folder / "counts.npz"]
  found.write(files[0])
  tables: dict[str, Sequence[Mapping[str, Any]]] = {
    "optimum": optima,
    "curve": curve,
    "cases": cases,
    "calibration": [calibration],
  }
  surfaces = study.map_surface_rows(found)
  if surfaces:
    tables["surfaces"] = surfaces
  for name, rows in tables.items():
    files.append(folder / "tables" / f"{name}.csv")
    _tables.write_csv(files[-1], rows, provenance)
  count = len(found.names)
  who = f"{count} case{'s' if count != 1 else ''}"
  figures = {
    "curve": _map_figures.map_curve(
      curve, optima, f"Dice against threshold, {who}"
    ),
    "reliability": _map_figures.reliability(
      thresholds.reliability(found.counts), f"Calibration, {who}"
    ),
  }
  if surfaces:
    figures["surfaces"] = _map_figures.map_surfaces(
      surfaces, curve, f"Surfaces against threshold, {who}"
    )
  for name, figure in figures.items():
    files += _style.save(figure, folder / "figures" / name)
  missed, hallucinated = study.missed_and_hallucinated(cases)
  files.append(folder / "threshold.json")
  content = {
    "threshold": optima[0]["threshold"],
    "rule": "float32(p) >= float32(threshold)",
    "optima": optima,
    "surface_optima": study.map_surface_optima(surfaces),
    "missed": missed,
    "hallucinated": hallucinated,
    "calibration": calibration,
    **provenance,
  }
  _files.write_json(files[-1], _files.finite(content))
  return optima, calibration, files
