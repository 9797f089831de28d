r"""Asks why a network's best threshold is low and its curve steep.

    jaxseg causes --counts=runs/openkbp --output=runs/causes
    jaxseg causes --output=runs/causes \
        --counts=runs/bice2020,runs/bice2020-rest,runs/unet

Compares models by where they drop out, by how long they were trained and by
the slices without the organ that they were trained and are scored on. Beside
each cost stands the largest that a calibrated map of the same Dice can have,
and whether half of the best Dice is as good a threshold as the best.

Reads counts of models, all on one split; no images, and no models. Writes
OUTPUT/tables/causes.csv, a row for each model and scope, and
tables/cause_arms.csv, medians over organs and seeds with 95 % intervals. Of
networks that differ in nothing else it draws their curves side by side,
figures/cause_curves.*, with the numbers in tables/cause_curves.csv.
"""

from collections.abc import Mapping, Sequence
import pathlib
from typing import Any, TYPE_CHECKING

from jaxseg import _text
from jaxseg.cli import _counts_flags
from jaxseg.cli import _flags

if TYPE_CHECKING:
  from jaxseg import report
  from jaxseg import study


def define(flags: _flags.Flags) -> None:
  _counts_flags.define(flags)


def main(flags: _flags.Flags) -> None:
  _counts_flags.check(flags)

  output = _counts_flags.output(flags.output, flags.counts)
  results = _counts_flags.read(flags.counts)
  how = {"resamples": flags.resamples, "seed": flags.resample_seed}
  origin = _counts_flags.provenance(
    results, seed=flags.resample_seed, command=flags.command
  )
  compared(results, output, origin, **how)
  _counts_flags.tell_stuck(results)
  _counts_flags.tell_missing(flags.counts)


def compared(
  results: "Sequence[study.CohortCounts]",
  folder: pathlib.Path,
  origin: Mapping[str, Any],
  *,
  resamples: int,
  seed: int,
) -> "report.Section | None":
  """Compares, prints and writes; None where no model has learnt."""
  from jaxseg import report
  from jaxseg import study
  from jaxseg.cli import _console

  with _console.progress("comparing") as on_model:
    arms = study.cause_arms(
      results, resamples=resamples, seed=seed, on_model=on_model
    )
  rows = study.causes(results)
  if not arms:
    print("Note: nothing can be compared; no model has learnt")
    if rows:
      path = folder / "tables" / "causes.csv"
      print(f"Written: {report.write_csv(path, rows, origin)}")
    return None
  for scope in dict.fromkeys(row["scope"] for row in arms):
    told = _told([row for row in arms if row["scope"] == scope])
    _console.table(
      f"Causes, scope {scope}",
      told,
      {name: name for name in told[0]},
    )
  print(
    "t*: median threshold, chosen on the validation patients; lost: median"
    " share of\nDice that unseen patients lose at ±0.05; at 0.5: the same for a"
    " cut at 0.5; half\nrule: models in which half of the best Dice is as good"
    " a threshold as the best,\nwithin 0.01 of Dice; beyond: models that lose"
    " more than a calibrated map can."
  )
  section = report.causes_section(
    folder, rows, arms, origin, curves=study.cause_curves(results)
  )
  for path in (*section.tables, *section.figures):
    print(f"Written: {path}")
  return section


def _told(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
  """What the console has room for; of settings those that differ."""
  settings = [
    name
    for name in ("objective", "steps_asked", "epochs_asked", "negatives")
    if len({row.get(name) for row in rows}) > 1
  ]
  told = []
  for row in rows:
    own = {"network": row["network"]}
    if row["network"] == "bice2020":
      places = row["dropout_at"].replace(",", ", ")
      own["network"] += f", dropout at {places}"
    for name in settings:
      value = row.get(name)
      own[name] = "–" if value is None else f"{value}"
    steps = own.pop("steps_asked", None)
    epochs = own.pop("epochs_asked", None)
    if steps or epochs:
      made = _text.span(row["steps_least"], row["steps_most"])
      unknown = f"≤ {steps}" if steps not in (None, "–") else "–"
      own["steps"] = made or unknown
    if epochs:
      own["epochs"] = epochs
    models = f"of {row['models']}"
    told.append(
      {
        **own,
        "t*": f"{row['threshold']:.2f}",
        "lost": _percent(row["lost"]),
        "at 0.5": _percent(row["lost_half"]),
        "half rule": f"{row['half_rule']} {models}",
        "beyond": f"{row['beyond_bound']} {models}",
      }
    )
  return told


def _percent(value: float) -> str:
  return f"{100 * value:z.1f} %".replace("-", "−")
