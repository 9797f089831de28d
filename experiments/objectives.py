r"""Compares what models of different training objectives reach.

    python -m experiments.objectives --output=runs/openkbp

Reads the counts that experiments.sweep left; writes
OUTPUT/tables/objectives.csv and figures/objectives.{svg,png}.
"""

from absl import flags

from experiments import cli
from experiments import cohort
from experiments import common
from jaxseg import data
from jaxseg import study

flags.declare_key_flag("output")
flags.declare_key_flag("cohort")
flags.declare_key_flag("seed")


def main() -> None:
  run = data.Run(cohort.output_folder())
  common.objectives(run, study.read_run(run))


if __name__ == "__main__":
  cli.run(main)
