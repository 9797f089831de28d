#!/usr/bin/env bash
# Trains a part of the study on OpenKBP. Run again, it goes on where it was.
#
#   bash experiments/results/study/train.sh INPUT OUTPUT SEED PART...
#
# INPUT is OpenKBP's folder provided-data. Parts, each a run folder in OUTPUT:
#
#   authors  bice2020 on cross entropy, dropout at all of its places
#   rest     the same without dropout of the tensors of one channel
#   losses   into authors: Dice of a batch, and its mix with cross entropy
#   levels   into levels-N: N slices without the structure for each with it
#   unet     our U-Net on cross entropy and its own preparation: half the steps
#
# ORGANS="esophagus" trains this one alone, such as with seed + 10 in place of a
# model that never learnt.
set -euo pipefail

input=$1
output=$2
seed=$3
shift 3
organs="parotid_left mandible brainstem larynx parotid_right spinal_cord esophagus"
organs=${ORGANS:-$organs}

train() {  # train FOLDER ORGAN OBJECTIVE [FLAG...]: of two, the later counts
  python -m experiments.train --recipe=bice2020 --epochs=50 \
    --steps_per_epoch=80 --replace_stuck=1 --cohort=openkbp --input="$input" \
    --seed="$seed" --output="$output/$1" --structure="$2" --objective="$3" \
    "${@:4}"
}

for part in "$@"; do
  case $part in
    authors) for organ in $organs; do train authors "$organ" bce; done ;;
    rest)
      for organ in $organs; do train rest "$organ" bce --dropout_at=rest; done
      ;;
    losses)
      for organ in $organs; do
        train authors "$organ" dice_batch,bce_dice_batch
      done
      ;;
    levels)
      for n in 0 1 3; do
        for organ in parotid_left mandible; do
          train "levels-$n" "$organ" bce --negatives="$n"
        done
      done
      ;;
    unet)
      for organ in $organs; do
        train unet "$organ" bce --recipe=jaxseg --size=80x80 --base=8 \
          --epochs=25 --negatives=0.25
      done
      ;;
    *) echo "no part $part" >&2; exit 2 ;;
  esac
done
