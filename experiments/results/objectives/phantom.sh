#!/usr/bin/env bash
# Do the study's objectives reach the Dice of cross entropy on the phantom, and
# if not, is it the length of the training? Run again, it goes on.
#
#   bash experiments/results/objectives/phantom.sh OUTPUT
#
# One seed, two organs, 4 epochs (the recipe's), 8 and 16; the gland, which has
# 8 steps an epoch where the parotid has 18, for 32 as well.
set -euo pipefail

output=$1
train() {  # train EPOCHS ORGAN
  python -m experiments.train --structure="$2" --epochs="$1" \
    --objective=bce,dice_batch,bce_dice_batch --output="$output/$1"
}
for epochs in 4 8 16; do
  train $epochs parotid_left
  train $epochs submandibular_left
done
train 32 submandibular_left
python "$(dirname "$0")/phantom.py" "$output" "$(dirname "$0")/phantom.csv"
