#!/usr/bin/env bash
# Do the study's objectives reach the Dice of cross entropy on the phantom, and
# if not, is it the length of the training? Run again, it goes on.
#
#   bash experiments/results/objectives/phantom.sh OUTPUT
#
# One seed, two organs, 4 epochs (the recipe's), 8 and 16 of 18 steps each.
set -euo pipefail

output=$1
for epochs in 4 8 16; do
  for organ in parotid_left submandibular_left; do
    python -m experiments.train --structure="$organ" --epochs="$epochs" \
      --objective=bce,dice_batch,bce_dice_batch --output="$output/$epochs"
  done
done
python "$(dirname "$0")/phantom.py" "$output" "$(dirname "$0")/phantom.csv"
