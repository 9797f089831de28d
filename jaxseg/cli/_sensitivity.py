"""Measures how much Dice a slightly wrong threshold costs.

    jaxseg sensitivity --output=runs/openkbp

Reads the counts that a sweep left. Writes OUTPUT/tables/sensitivity.csv,
sensitivity_medians.csv and figures/sensitivity.{svg,png}.
"""

from jaxseg.cli import _analyses
from jaxseg.cli import _flags


def define(flags: _flags.Flags) -> None:
  _analyses.define(flags)


def main(flags: _flags.Flags) -> None:
  run, results = _analyses.swept(flags)
  _analyses.sensitivity(flags, run, results)
  _analyses.tell_missing(run)
