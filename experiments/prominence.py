r"""Correlates the optimal threshold with prominence in training.

    python -m experiments.prominence --output=runs/openkbp

Reads the counts that experiments.sweep left; writes
OUTPUT/tables/prominence.csv, correlations.csv and
figures/prominence.{svg,png}.
"""

from experiments import cli
from experiments import common
from jaxseg import data
from jaxseg import report
from jaxseg import study


def main() -> None:
  run = data.Run(common.output_folder())
  results = study.read_run(run)
  section = report.prominence_section(run, results, common.provenance(run))
  common.tell(section)


if __name__ == "__main__":
  cli.run(main)
