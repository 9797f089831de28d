r"""Sweeps the threshold over probability maps: a run's, or anyone's.

    python -m experiments.sweep --output=runs/openkbp
    python -m experiments.sweep --probabilities=maps --reference=labels
    python -m experiments.sweep --probabilities='nnunet/*.npz' --class=1 \
        --reference='labelsTr/*.nii.gz' --label=1 --output=runs/liver

Of a run: the maps of each trained model. Writes OUTPUT/counts/*.npz,
tables/sweep.csv, figures/curves.{svg,png} and each model's threshold.json.

Of anyone's maps, paired with references by name: writes OUTPUT/counts/*.npz
(one a case; counts of other machines are put together by --merge),
tables/{optimum,curve,cases,calibration}.csv, figures/{curve,reliability} and
threshold.json. OUTPUT is runs/sweep if left out.

What was counted before is not counted again.
"""

import pathlib

from absl import flags

from experiments import cli
from experiments import cohort
from experiments import common
from experiments import maps
from jaxseg import data
from jaxseg import report
from jaxseg import study

flags.declare_key_flag("output")
flags.declare_key_flag("cohort")
flags.declare_key_flag("seed")
flags.adopt_module_key_flags(maps)


def main() -> None:
  if maps.PROBABILITIES.value or maps.MERGE.value:
    folder = pathlib.Path(cohort.OUTPUT.value or "runs/sweep")
    maps.main(folder, cohort.SEED.value)
    return
  cli.compilation_cache()
  run = data.Run(cohort.output_folder())
  with cli.progress("sweeping") as on_model:
    results = study.sweep_run(run, on_model=on_model)
  section = report.sweep_section(run, results, common.provenance(run))
  common.tell(section, common.BRIEF["sweep"])


if __name__ == "__main__":
  cli.run(main)
