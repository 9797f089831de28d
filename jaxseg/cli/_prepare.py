"""Prepares a cohort: patients on one grid, split, stored in a run folder.

    jaxseg prepare --cohort=openkbp --input=open-kbp
    jaxseg prepare --cohort=phantom --patients=24

Writes OUTPUT/run.json, split.json and store/. 100 patients of OpenKBP take
half a minute on one core. Called again, it checks all contents.
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
  from jaxseg import errors
  from jaxseg.cli import _console

  there = (_cohort_flags.output_folder(flags) / "run.json").exists()
  run = _cohort_flags.prepared(flags, _structure_flags.asked_names(flags))
  if there and not run.store.is_whole():
    raise errors.DataError(
      f"{run.store.folder}: its contents are not those that were written (their"
      " hash differs); restore it from a copy, or prepare the cohort again into"
      " another folder"
    )
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
  checked = ", before; all its contents are as they were written"
  print(f"Prepared: {run.folder}{checked if there else ''}")
