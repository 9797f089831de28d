r"""Trains models and reports them on patients that they have not seen.

    python -m experiments.train --structure=parotid_left
    python -m experiments.train --structure=mandible,brainstem \
        --objective=bce,bce_dice --cohort=openkbp --input=open-kbp

Prepares the cohort first if the run folder is new. Stopped and started again
with the same flags it goes on and ends with the same numbers. Writes
OUTPUT/models/STRUCTURE/OBJECTIVE/SEED/: config.json, metrics.csv, TensorBoard
events, checkpoints, threshold.json. One model of the default size takes about
25 minutes on two CPU cores for OpenKBP.
"""

from absl import flags

from experiments import cli
from experiments import common
from jaxseg import study
from jaxseg import training

_STRUCTURE = flags.DEFINE_list(
  "structure",
  None,
  "Structures to train, a list of names such as parotid_left, or all.",
  required=True,
)


def main() -> None:
  cli.compilation_cache()
  run = common.prepared()
  names = common.chosen_structures(run, _STRUCTURE.value)
  configs = common.configs(run, names, default=["bce"])
  training.train_family(
    run.store, run.split, run.folder, configs, reporter=training.Console()
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
