"""Prepares a cohort: patients on one grid, split, stored in a run folder.

    jaxseg prepare --cohort=openkbp --input=open-kbp
    jaxseg prepare --cohort=phantom --patients=24

Writes OUTPUT/run.json, split.json and store/. 100 patients of OpenKBP take
half a minute on one core.
"""

from jaxseg.cli import _cohort_flags
from jaxseg.cli import _flags
from jaxseg.cli import _structure_flags

_PARTS = ("train", "validation", "test")


def define(flags: _flags.Flags) -> None:
  flags.heading("What to prepare")
  _structure_flags.define(flags)
  _cohort_flags.define(flags)


def main(flags: _flags.Flags) -> None:
  from jaxseg.cli import _console

  run = _cohort_flags.prepared(flags, _structure_flags.asked_names(flags))
  patients = run.store.patients
  rows = [
    {
      "structure": name,
      **{
        part: sum(name in patients[p].contoured for p in run.split.part(part))
        for part in _PARTS
      },
    }
    for name in run.store.structures
  ]
  title = f"{run.store.cohort}: {len(patients)} patients, contoured"
  _console.table(title, rows, ["structure", *_PARTS])
  print(f"Prepared: {run.folder}")
