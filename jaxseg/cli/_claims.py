r"""Decides the paper's claims by rules that were fixed before the numbers.

    jaxseg claims --counts=runs/openkbp --output=runs/claims
    jaxseg claims --counts=runs/bice2020,runs/bice2020-rest,runs/unet \
        --output=runs/claims

Reads the counts of models: networks, objectives, seeds and levels of negatives
side by side, all on one split; no images, and no models. Writes
OUTPUT/tables/claims.csv: claim, network, statement, value with its interval,
verdict, and what was left out.
"""

import pathlib

from jaxseg import errors
from jaxseg.cli import _flags
from jaxseg.cli import _place


def define(flags: _flags.Flags) -> None:
  flags.heading("Counts")
  flags.names(
    "counts",
    None,
    "FOLDER",
    "Run folders, or folders that hold counts of models.",
    default="required",
  )
  flags.string("output", None, "FOLDER", "Where to write.", default="required")
  flags.heading("Intervals")
  flags.integer(
    "resamples", 2000, "N", "Resamples of patients, organs and seeds."
  )
  flags.integer("resample_seed", 0, "N", "Random seed of the resamples.")


def main(flags: _flags.Flags) -> None:
  if flags.resamples < 2:
    raise errors.ConfigError(
      f"--resamples: {flags.resamples} tell no interval; give 2000"
    )

  from jaxseg import report
  from jaxseg import study
  from jaxseg.cli import _console

  output = _place.output(flags.output)
  results = study.read_counts([pathlib.Path(name) for name in flags.counts])
  with _console.progress("judging") as on_model:
    rows = study.claims(
      results,
      resamples=flags.resamples,
      seed=flags.resample_seed,
      on_model=on_model,
    )
  said = [result.facts for result in results]
  origin = report.provenance(
    cohort=", ".join(sorted({str(facts["cohort"]) for facts in said})),
    cohort_hash=", ".join(sorted({str(facts["store"]) for facts in said})),
    synthetic=any(facts["synthetic"] for facts in said),
    seed=flags.resample_seed,
    command=flags.command,
  )
  path = output / "tables" / "claims.csv"
  report.write_csv(path, rows, origin)
  _console.table(
    f"Claims, from {len(results)} models",
    rows,
    {
      "claim": "claim",
      "network": "network",
      "value": "value",
      "low": "low",
      "high": "high",
      "verdict": "verdict",
      "models": "models",
    },
  )
  stuck = study.stuck_models(results)
  if stuck:
    named = ", ".join(
      f"{facts['structure']}/{facts['objective']}/{facts['seed']}"
      for facts in stuck
    )
    print(
      f"Left out: {len(stuck)} that never learnt ({named}); train them again"
      " with --seed=SEED + 10"
    )
  if not rows:
    print("Note: no claim can be judged; each needs models of bce that learnt")
  print(f"Written: {path}")
