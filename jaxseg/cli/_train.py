r"""Trains models and scores them on patients that they have not seen.

    jaxseg train --structure=parotid_left
    jaxseg train --structure=mandible,brainstem \
        --objective=bce,bce_dice --cohort=openkbp --input=open-kbp
    jaxseg train --structure=brain --seed=0,1,2 --negatives=0,1,3
    jaxseg train --structure=brain --folds=5 --output=runs/folds

Prepares the cohort first if the run folder is new. If interrupted, the
same command resumes and ends with the same numbers. Writes
OUTPUT/models/STRUCTURE/OBJECTIVE/SEED/: config.json, model.json, metrics.csv,
TensorBoard events, checkpoints, threshold.json; levels of negatives beside the
run's own in SEED-negatives-RATIO, folds in SEED-folds-N/fold-K. What is
finished is skipped. One model of the default size takes about 10 minutes on two
CPU cores for OpenKBP.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jaxseg.cli import _call
from jaxseg.cli import _cohort_flags
from jaxseg.cli import _device_flags
from jaxseg.cli import _family
from jaxseg.cli import _flags
from jaxseg.cli import _hosts
from jaxseg.cli import _training_flags

if TYPE_CHECKING:
  from jaxseg import study


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

  _family.check(flags)
  _call.compilation_cache()
  run = _hosts.prepared(flags, names)
  names = _training_flags.available(run, names)
  configs = _training_flags.configs(flags, run, names, default=["bce"])
  configs = _device_flags.part(flags, configs)
  if not configs:
    print("this shard has no models")
    return
  _device_flags.tell(flags, configs[0].batch)

  def sweep(
    family: Sequence[training.Config],
  ) -> "list[study.CohortCounts]":
    from jaxseg import study  # Slow, and training does without it.

    folders = _family.folders(run, family)
    if not folders:  # Of some folds alone.
      return []
    return _hosts.swept(run, folders, study.sweep_run)

  family, results = _family.swept(flags, run, configs, sweep, default=0)
  folders = _family.folders(run, family)
  _family.tell_unfinished(family, folders)
  if not results:
    return
  from jaxseg import study

  rows = [
    row
    for row in study.sweep_rows(results)
    if (row["scope"], row["aggregate"]) == ("known", "pooled")
  ]
  levels = {row.get("negatives") for row in rows}
  _console.table(
    f"{run.store.cohort}: Dice of the test patients",
    rows,
    {
      "structure": "structure",
      "objective": "objective",
      **({"negatives": "negatives"} if len(levels) > 1 else {}),
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
