r"""Trains models and reports them on patients that they have not seen.

    python -m experiments.train --structure=parotid_left
    python -m experiments.train --structure=mandible,brainstem \
        --objective=bce,bce_dice --cohort=openkbp --input=open-kbp

Prepares the cohort first if the run folder is new. Stopped and started again
with the same flags it goes on and ends with the same numbers. Writes
OUTPUT/models/STRUCTURE/OBJECTIVE/SEED/: config.json, metrics.csv, TensorBoard
events, checkpoints, threshold.json. One model of the default size takes about
10 minutes on two CPU cores for OpenKBP.
"""

from absl import flags

from experiments import cli
from experiments import cohort
from experiments import common
from experiments import family
from jaxseg import study
from jaxseg import training

_STRUCTURE = flags.DEFINE_list(
  "structure",
  None,
  "Structures to train, a list of names such as parotid_left, or all.",
  required=True,
)

flags.adopt_module_key_flags(cohort)
flags.adopt_module_key_flags(family)


def main() -> None:
  cli.compilation_cache()
  names = family.named(_STRUCTURE.value)
  run = cohort.prepared()
  names = family.available(run, names)
  configs = family.configs(run, names, default=["bce"])
  training.train_family(
    run.store, run.split, run.folder, configs, reporter=cli.Console()
  )
  folders = [training.model_folder(run.folder, c) for c in configs]
  results = study.sweep_run(run, folders=folders)
  rows = [
    row
    for row in study.sweep_rows(results)
    if (row["scope"], row["aggregate"]) == ("known", "pooled")
  ]
  common.show(
    f"{run.store.cohort}: Dice of the test patients",
    rows,
    [
      "structure",
      "objective",
      "threshold",
      "dice_test",
      "dice_test_half",
      "test_patients",
      "missed",
    ],
  )
  for folder in folders:
    print(f"Model: {folder}")


if __name__ == "__main__":
  cli.run(main)
