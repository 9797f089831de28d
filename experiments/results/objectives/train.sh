#!/usr/bin/env bash
# Compares forms of the Dice loss on OpenKBP. Run again, it goes on.
#
#   bash experiments/results/objectives/train.sh INPUT OUTPUT
#
# INPUT is OpenKBP's folder provided-data. About 2 CPU minutes a model.
set -euo pipefail

input=$1
output=$2
python -m experiments.prepare --recipe=quick --size=48x48 --allow_crop \
  --cohort=openkbp --input="$input" --output="$output"
for form in bce dice dice_batch dice_present dice_smooth; do
  for organ in larynx parotid_left; do
    python -m experiments.train --structure="$organ" --objective="$form" \
      --seed=0,1 --output="$output" --epochs=3 --steps_per_epoch=80 \
      --patience=3 --validation_share=0.34
  done
done
python - "$output" "$(dirname "$0")/table.csv" <<'PYTHON'
import csv
import sys

from jaxseg import data
from jaxseg import study
from jaxseg import thresholds

rows = []
for result in study.read_run(data.Run(sys.argv[1])):
  row = {k: result.facts[k] for k in ("structure", "objective", "seed")}
  (chosen_on, scored), (_, organ) = result.sides(), result.sides(scope="organ")
  best = thresholds.optimum(chosen_on.even)
  dice = thresholds.curve(scored.even, aggregate="pooled")
  far = study.objectives([result])[0]
  false = int(scored.even.false_positive.sum(0)[best.index])
  inside = int(organ.even.false_positive.sum(0)[best.index])
  rows.append(
    row
    | {
      "threshold": round(best.threshold, 3),
      "dice_validation": round(best.value, 4),
      "dice_test": round(float(dice[best.index]), 4),
      "dice_test_half": round(float(dice[500]), 4),
      "hd95_mm": round(far["hd95_mm"], 1),
      "hd95_half_mm": round(far["hd95_half_mm"], 1),
      "false_voxels": false,
      "false_on_empty_slices": false - inside,
    }
  )
with open(sys.argv[2], "w", newline="") as file:
  writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
  writer.writeheader()
  writer.writerows(rows)
PYTHON
