r"""Sweeps the threshold over probability maps: a run's, or anyone's.

    python -m experiments.sweep --output=runs/openkbp
    python -m experiments.sweep --probabilities=maps --reference=labels
    python -m experiments.sweep --probabilities='nnunet/*.npz' --class=1 \
        --reference='labelsTr/*.nii.gz' --label=1 --output=runs/liver

Of a run, the maps of each trained model: the threshold is chosen on the
validation patients and scored on the test patients. Writes each model's
threshold.json.

Of anyone's maps, paired with references by name: writes threshold.json and
report/index.html into OUTPUT, which is runs/sweep if left out. Counts of other
machines are put together by --merge.

Both write OUTPUT/counts/*.npz, tables/*.csv (optimum or sweep, curve, cases,
calibration, reliability, surfaces) and figures/*.{svg,png}.

What was counted before is not counted again.
"""

import pathlib

from absl import flags

from experiments import cli
from experiments import cohort
from experiments import common
from experiments import maps
from jaxseg import data
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
  settings = maps.settings(cohort.SEED.value)
  with cli.progress("sweeping") as on_model:
    results = study.sweep_run(run, settings=settings, on_model=on_model)
  common.sweep(run, results, settings)


if __name__ == "__main__":
  cli.run(main)
