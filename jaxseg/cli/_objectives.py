"""Compares what models of different training objectives reach.

    jaxseg objectives --output=runs/openkbp

Reads the counts that a sweep left: Dice, IoU, HD95, ASSD, NSD, volume bias and
calibration of the test patients, at each model's own threshold and at 0.5, and
tests of each objective against cross entropy on the same patients. Writes
OUTPUT/tables/objectives.csv and .tex, objective_tests.csv and
figures/objectives.{svg,png}.
"""

from jaxseg.cli import _analyses
from jaxseg.cli import _flags


def define(flags: _flags.Flags) -> None:
  _analyses.define(flags)


def main(flags: _flags.Flags) -> None:
  run, results = _analyses.swept(flags)
  _analyses.objectives(flags, run, results)
  _analyses.tell_missing(run)
