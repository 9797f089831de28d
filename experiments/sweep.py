r"""Sweeps the threshold over each trained model's probability maps.

    python -m experiments.sweep --output=runs/openkbp

Writes OUTPUT/counts/*.npz, tables/sweep.csv, figures/curves.{svg,png} and each
model's threshold.json. What was swept before is not swept again.
"""

from absl import flags

from experiments import cli
from experiments import cohort
from experiments import common
from jaxseg import data
from jaxseg import report
from jaxseg import study

flags.declare_key_flag("output")
flags.declare_key_flag("cohort")
flags.declare_key_flag("seed")


def main() -> None:
  cli.compilation_cache()
  run = data.Run(cohort.output_folder())
  with cli.progress("sweeping") as on_model:
    results = study.sweep_run(run, on_model=on_model)
  section = report.sweep_section(run, results, common.provenance(run))
  common.tell(section, common.BRIEF["sweep"])


if __name__ == "__main__":
  cli.run(main)
