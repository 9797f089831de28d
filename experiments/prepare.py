r"""Prepares a cohort: patients onto one grid, split, stored in a run folder.

    python -m experiments.prepare --cohort=openkbp --input=open-kbp
    python -m experiments.prepare --cohort=phantom --patients=24

Writes OUTPUT/cohort.json, split.json and store/. 100 patients of OpenKBP take
half a minute on one core.
"""

from absl import flags

from experiments import cli
from experiments import cohort
from experiments import console

flags.adopt_module_key_flags(cohort)


def main() -> None:
  run = cohort.prepared()
  rows = [
    {
      "structure": name,
      **{
        part: sum(
          name in run.store.patients[p].contoured for p in run.split.part(part)
        )
        for part in ("train", "validation", "test")
      },
    }
    for name in run.store.structures
  ]
  console.show(
    f"{run.store.cohort}: {len(run.store.patients)} patients, contoured",
    rows,
    ["structure", "train", "validation", "test"],
  )
  for name in run.store.structures:
    beyond = sum(p.outside.get(name, 0) for p in run.store.patients.values())
    if beyond:
      print(
        f"{name}: {beyond} voxels lie beyond the prepared slices and cannot be"
        " found; a larger --size or a coarser --spacing keeps them"
      )
  print(f"Prepared: {run.folder}")


if __name__ == "__main__":
  cli.run(main)
