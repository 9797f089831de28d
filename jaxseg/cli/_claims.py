r"""Decides the paper's claims by rules that were fixed before the numbers.

    jaxseg claims --counts=runs/openkbp --output=runs/claims
    jaxseg claims --counts=runs/bice2020,runs/bice2020-rest,runs/unet \
        --output=runs/claims

Reads the counts of models: networks, objectives, seeds and levels of negatives
side by side, all on one split; no images, and no models. Writes
OUTPUT/tables/claims.csv: claim, network, statement, value with its interval,
verdict, and what was left out.
"""

from jaxseg.cli import _counts_flags
from jaxseg.cli import _flags
from jaxseg.cli import _place


def define(flags: _flags.Flags) -> None:
  _counts_flags.define(flags)


def main(flags: _flags.Flags) -> None:
  _counts_flags.check(flags)

  from jaxseg import report
  from jaxseg import study
  from jaxseg.cli import _console

  output = _place.output(flags.output)
  results = _counts_flags.read(flags.counts)
  with _console.progress("judging") as on_model:
    rows = study.claims(
      results,
      resamples=flags.resamples,
      seed=flags.resample_seed,
      on_model=on_model,
    )
  origin = _counts_flags.provenance(
    results, seed=flags.resample_seed, command=flags.command
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
  _counts_flags.tell_stuck(results)
  if not rows:
    print("Note: no claim can be judged; each needs models of bce that learnt")
  print(f"Written: {path}")
