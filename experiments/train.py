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
from experiments import console
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
  with cli.Console() as reporter:
    training.train_family(
      run.store, run.split, run.folder, configs, reporter=reporter
    )
  folders = [training.model_folder(run.folder, c) for c in configs]
  results = study.sweep_run(run, folders=folders)
  rows = [
    row
    for row in study.sweep_rows(results)
    if (row["scope"], row["aggregate"]) == ("known", "pooled")
  ]
  console.show(
    f"{run.store.cohort}: Dice of the test patients",
    rows,
    {
      "structure": "structure",
      "objective": "objective",
      "threshold": "threshold",
      "dice_test": "Dice",
      "dice_test_half": "Dice at 0.5",
      "test_patients": "patients",
      "missed": "missed",
    },
  )
  for folder in folders:
    print(f"Model: {folder}")


if __name__ == "__main__":
  cli.run(main)
