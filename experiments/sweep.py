r"""Sweeps the threshold over each trained model's probability maps.

    python -m experiments.sweep --output=runs/openkbp

Writes OUTPUT/counts/*.npz, tables/sweep.csv, figures/curves.{svg,png} and each
model's threshold.json. What was swept before is not swept again.
"""

from experiments import cli
from experiments import common
from jaxseg import data
from jaxseg import report
from jaxseg import study


def main() -> None:
  cli.compilation_cache()
  run = data.Run(common.output_folder())
  with report.progress("sweeping") as on_model:
    results = study.sweep_run(run, on_model=on_model)
  common.tell(report.sweep_section(run, results, common.provenance(run)))


if __name__ == "__main__":
  cli.run(main)
