r"""Decides the paper's claims by rules that were fixed before the numbers.

    jaxseg claims --counts=runs/openkbp --output=runs/claims
    jaxseg claims --output=runs/claims \
        --counts=runs/bice2020,runs/bice2020-rest,runs/unet

Reads the counts of models: networks, objectives, seeds and levels of negatives
side by side, all on one split; no images, and no models. Writes
OUTPUT/tables/claims.csv: claim, network, statement, value with its interval,
verdict, and what was left out.
"""

from collections.abc import Mapping, Sequence
import pathlib
from typing import Any, TYPE_CHECKING

from jaxseg.cli import _counts_flags
from jaxseg.cli import _flags

if TYPE_CHECKING:
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
  judged(results, output, origin, **how)
  _counts_flags.tell_stuck(results)
  _counts_flags.tell_missing(flags.counts)


def judged(
  results: "Sequence[study.CohortCounts]",
  folder: pathlib.Path,
  origin: Mapping[str, Any],
  *,
  resamples: int,
  seed: int,
) -> list[dict[str, Any]]:
  """Judges, prints and writes the claims; gives the rows."""
  from jaxseg import report
  from jaxseg import study
  from jaxseg.cli import _console

  with _console.progress("judging") as on_model:
    rows = study.claims(
      results, resamples=resamples, seed=seed, on_model=on_model
    )
  section = report.claims_section(folder, rows, origin)
  _console.table(
    f"Claims, from {len(results)} models",
    section.rows,
    {
      "claim": "claim",
      "network": "network",
      "found": "value",
      "interval": "95 %",
      "verdict": "verdict",
      "models": "models",
    },
  )
  for said in dict.fromkeys(f"{r['claim']}: {r['says']}" for r in section.rows):
    print(said)
  if not rows:
    print("Note: no claim can be judged; each needs models of bce that learnt")
  for path in section.tables:
    print(f"Written: {path}")
  return rows
