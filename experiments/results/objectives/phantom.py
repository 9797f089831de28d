"""Writes phantom.csv: what phantom.sh has trained, beside cross entropy."""

import csv
import pathlib
import sys

from jaxseg import data
from jaxseg import study
from jaxseg import thresholds


def steps(folder, structure, objective, seed):
  """Steps made: an epoch ends early where the slices do."""
  path = folder / "models" / structure / objective / str(seed) / "metrics.csv"
  with open(path, newline="") as file:
    return int(list(csv.DictReader(file))[-1]["step"])


rows = []
for folder in sorted(pathlib.Path(sys.argv[1]).iterdir(), key=lambda f: f.name):
  if not folder.name.isdigit() or not list(folder.glob("counts/*.npz")):
    continue
  results = study.read_run(data.Run(folder))
  reached = {}
  for result in results:
    (chosen_on, scored), (_, organ) = (
      result.sides(),
      result.sides(scope="organ"),
    )
    best = thresholds.optimum(chosen_on.even)
    every, own = (
      thresholds.curve(side.even, aggregate="pooled")[best.index]
      for side in (scored, organ)
    )
    key = result.facts["structure"], result.facts["objective"]
    reached[key] = every
    rows.append(
      {
        "structure": key[0],
        "objective": key[1],
        "seed": result.facts["seed"],
        "epochs": int(folder.name),
        "steps": steps(folder, *key, result.facts["seed"]),
        "threshold": round(best.threshold, 3),
        "dice_validation": round(best.value, 3),
        "dice_test": round(float(every), 3),
        "dice_test_organ": round(float(own), 3),
        "less_than_bce": 0.0,
      }
    )
  for row in rows[-len(results) :]:
    bce = reached[row["structure"], "bce"]
    own = reached[row["structure"], row["objective"]]
    row["less_than_bce"] = round(float(bce - own), 3)
rows.sort(key=lambda row: (row["structure"], row["epochs"], row["objective"]))
with open(sys.argv[2], "w", newline="") as file:
  writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
  writer.writeheader()
  writer.writerows(rows)
