#!/usr/bin/env bash
# Publishes what train.sh has finished. Run again, it adds what is new.
#
#   bash experiments/results/study/publish.sh RUNS [WORK]
#
# RUNS is train.sh's OUTPUT, which may still be training: finished models are
# copied to WORK (a new temporary folder if left out) and swept there, unless
# their counts are here already. All else comes from the counts in this folder
# alone, in a few minutes, so that without RUNS the script repeats the tables:
#
#   bash experiments/results/study/publish.sh
#
# The same counts give the same numbers; commit and date of the tables change.
set -euo pipefail

here=$(dirname "$0")
runs=${1:-}
work=${2:-$(mktemp -d)}
mkdir -p "$work"

put() {  # put FROM TO: a copy that is whole, or is not there
  [ ! -d "$2" ] || return 0
  rm -rf "$2.part"
  cp -r "$1" "$2.part"
  mv "$2.part" "$2"
}

if [ -n "$runs" ]; then
  if [ ! -f "$runs/authors/run.json" ]; then
    echo "$runs: holds no runs of train.sh; give its OUTPUT" >&2
    exit 2
  fi
  for run in "$runs"/*/; do
    name=$(basename "$run")
    copy=$work/$name
    # One that is prepared, or trains its first model, has nothing yet.
    [ -n "$(find "$run" -path '*/models/*' -name summary.json)" ] || continue
    mkdir -p "$copy/counts" "$here/counts/$name"
    cp "$run"/{run,split,inputs}.json "$copy"
    put "$run/store" "$copy/store"
    # A model is finished when it has a summary; others are still trained.
    (cd "$run" && find models -name summary.json -printf '%h\n' | sort) |
      while read -r model; do
        mkdir -p "$copy/$(dirname "$model")"
        put "$run/$model" "$copy/$model"
      done
    find "$here/counts/$name" -name '*.npz' -exec cp {} "$copy/counts" \;
    python - "$copy" <<'PYTHON'
import sys

from jaxseg import data
from jaxseg import study

run = data.Run(sys.argv[1])
if run.models():
  study.sweep_run(run, on_model=lambda name, *_: print("swept", name))
PYTHON
    find "$copy/counts" -name '*.npz' -exec cp {} "$here/counts/$name" \;
  done
fi

# The first is the network of the curves and of the objectives.
folders=()
for name in authors rest unet; do
  if [ -n "$(ls "$here/counts/$name" 2>/dev/null)" ]; then
    folders+=("$here/counts/$name")
  fi
done
for folder in "$here"/counts/*/; do
  folder=${folder%/}
  [[ " ${folders[*]} " == *" $folder "* || -z "$(ls "$folder")" ]] ||
    folders+=("$folder")
done
python -m experiments.reproduce --output="$work/all" \
  --counts="$(IFS=,; echo "${folders[*]}")"

# The same of the other networks, whose curves and page nobody asked for. Nothing
# is changed here before, so that these tables name the commit as it is, too.
python - "$here" "$work/all/tables" <<'PYTHON'
import pathlib
import sys

from jaxseg import report
from jaxseg import study

here, tables = map(pathlib.Path, sys.argv[1:])
for folder in (here / "counts" / "rest", here / "counts" / "unet"):
  if not any(folder.glob("*.npz")):
    continue
  results, _ = study.learnt(study.read_counts([folder]))
  seeds = {result.facts["seed"] for result in results}
  origin = report.provenance(
    cohort=results[0].facts["cohort"],
    cohort_hash=results[0].facts["store"],
    synthetic=False,
    seed=seeds.pop() if len(seeds) == 1 else None,
    command=f"bash {here}/publish.sh",
  )
  scopes = list(results[0].scopes)
  each = [study.sensitivity(results, scope=scope) for scope in scopes]
  measured = [study.prominence(None, results, scope=scope) for scope in scopes]
  for name, of_scopes in (
    (
      "sensitivity_medians",
      [study.sensitivity_medians(rows, results=results) for rows in each],
    ),
    ("correlations", [study.correlations(rows) for rows in measured]),
    ("prominence", measured),
    ("objectives", [study.objectives(results)]),
    ("recommendations", [study.recommendations(results)]),
  ):
    rows = [row for of_scope in of_scopes for row in of_scope]
    report.write_csv(tables / f"{name}-{folder.name}.csv", rows, origin)
PYTHON
mkdir -p "$here/tables"
for name in claims causes cause_arms cause_curves sensitivity_medians \
  correlations prominence levels level_slopes objectives objective_tests \
  recommendations; do
  for table in "$work/all/tables/$name"{,-rest,-unet}.csv; do
    [ ! -f "$table" ] || cp "$table" "$here/tables"
  done
done
cp "$work/all/figures/cause_curves.png" "$here"
python "$here/readme.py" "$here"
