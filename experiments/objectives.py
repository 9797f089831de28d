r"""Compares what models of different training objectives reach.

    python -m experiments.objectives --output=runs/openkbp

Reads the counts that experiments.sweep left; writes
OUTPUT/tables/objectives.csv and figures/objectives.{svg,png}.
"""

from experiments import cli
from experiments import common
from jaxseg import data
from jaxseg import report
from jaxseg import study


def main() -> None:
  run = data.Run(common.output_folder())
  results = study.read_run(run)
  section = report.objectives_section(run, results, common.provenance(run))
  common.tell(section)


if __name__ == "__main__":
  cli.run(main)
