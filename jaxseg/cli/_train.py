r"""Trains models and scores them on patients that they have not seen.

    jaxseg train --structure=parotid_left
    jaxseg train --structure=mandible,brainstem \
        --objective=bce,bce_dice --cohort=openkbp --input=open-kbp
    jaxseg train --structure=brain --seed=1 --output=runs/phantom

Prepares the cohort first if the run folder is new. If interrupted, the
same command resumes and ends with the same numbers. Writes
OUTPUT/models/STRUCTURE/OBJECTIVE/SEED/: config.json, model.json, metrics.csv,
TensorBoard events, checkpoints, threshold.json. One model of the default size
takes about 10 minutes on two CPU cores for OpenKBP.
"""

from jaxseg.cli import _call
from jaxseg.cli import _cohort_flags
from jaxseg.cli import _device_flags
from jaxseg.cli import _flags
from jaxseg.cli import _hosts
from jaxseg.cli import _training_flags


def define(flags: _flags.Flags) -> None:
  flags.heading("What to train")
  flags.names(
    "structure",
    None,
    "NAME",
    "Structures to train, such as parotid_left, or all.",
    default="required",
  )
  _training_flags.define(flags)
  _cohort_flags.define(flags)
  _hosts.define(flags)


def main(flags: _flags.Flags) -> None:
  _hosts.main(flags, _main)


def _main(flags: _flags.Flags) -> None:
  names = _training_flags.named(flags, flags.structure)

  from jaxseg import training
  from jaxseg.cli import _console

  _call.compilation_cache()
  run = _hosts.prepared(flags, names)
  names = _training_flags.available(run, names)
  configs = _training_flags.configs(flags, run, names, default=["bce"])
  configs = _device_flags.part(flags, configs)
  if not configs:
    print("this shard has no models")
    return
  _device_flags.tell(flags, configs[0].batch)
  with _console.Training() as reporter:
    training.train_family(
      run.store,
      run.split,
      run.folder,
      configs,
      reporter=reporter,
      checkpoint_minutes=_training_flags.check_minutes(flags),
      keep=flags.keep,
      **_device_flags.given(flags),
    )
  from jaxseg import study  # Slow, and training does without it.

  folders = [training.model_folder(run.folder, c) for c in configs]
  results = _hosts.swept(run, folders, study.sweep_run)
  if not results:
    return
  rows = [
    row
    for row in study.sweep_rows(results)
    if (row["scope"], row["aggregate"]) == ("known", "pooled")
  ]
  _console.table(
    f"{run.store.cohort}: Dice of the test patients",
    rows,
    {
      "structure": "structure",
      "objective": "objective",
      "seed": "seed",
      "threshold": "threshold",
      "dice_test": "Dice",
      "dice_test_half": "Dice at 0.5",
      "test_patients": "patients",
      "missed": "missed",
    },
  )
  for folder in folders:
    print(f"Model: {folder}")
