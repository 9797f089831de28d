"""Correlates the optimal threshold with prominence in training.

    jaxseg prominence --output=runs/openkbp

Reads the counts that a sweep left. Writes OUTPUT/tables/prominence.csv,
correlations.csv and figures/prominence.{svg,png}.
"""

from jaxseg.cli import _analyses
from jaxseg.cli import _flags


def define(flags: _flags.Flags) -> None:
  _analyses.define(flags)


def main(flags: _flags.Flags) -> None:
  run, results = _analyses.swept(flags)
  _analyses.prominence(flags, run, results)
  _analyses.tell_missing(run)
