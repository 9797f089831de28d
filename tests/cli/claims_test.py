"""The claims of counts alone, and what cannot be judged."""

import csv
import dataclasses

from tests.cli import command
from tests.study import made

STEEP = {"inside": (0.13, 0.02), "outside": (0.07, 0.02)}

LACKED = ("structure", "objective", "seed", "negatives", "store", "synthetic")


def write(folder, *results):
  for number, result in enumerate(results):
    result.write(folder / "counts" / f"{number}.npz")


def test_counts_of_several_runs_to_a_table(tmp_path):
  for name, network, how in (
    ("with", {"name": "bice2020"}, STEEP),
    ("without", {"name": "bice2020", "dropout_at": "rest"}, {}),
  ):
    write(
      tmp_path / name,
      *(
        made.model_counts(organ, network=network, **how)
        for organ in ("brain", "larynx")
      ),
    )
  arguments = (
    f"--counts={tmp_path / 'with'},{tmp_path / 'without' / 'counts'}",
    f"--output={tmp_path / 'out'}",
    "--resamples=40",
  )
  done = command.done("claims", *arguments, folder=tmp_path)
  with open(tmp_path / "out" / "tables" / "claims.csv", newline="") as file:
    rows = list(csv.DictReader(file))
  said = {row["claim"]: row for row in rows}
  assert said["C6"]["verdict"] == "confirmed"
  assert rows[0]["cohort"] == "made up"
  assert "tables/claims.csv" in done
  # A number is told with what it is a number of, and what was not asked.
  assert "C1: An organ's own threshold beats 0.5 (median" in done
  assert "C4: Training with Dice makes the curve flatter. Not tested" in done


def test_what_cannot_be_judged_is_refused(tmp_path):
  write(tmp_path / "a", made.model_counts())
  (tmp_path / "none").mkdir()
  other = made.model_counts()
  swapped = ["test"] * 6 + ["validation"] * 6
  write(tmp_path / "b", other.__class__(**{**vars(other), "parts": swapped}))
  write(tmp_path / "maps", made.run_counts())
  (tmp_path / "cut" / "counts").mkdir(parents=True)
  content = (tmp_path / "a" / "counts" / "0.npz").read_bytes()
  (tmp_path / "cut" / "counts" / "0.npz").write_bytes(content[:500])
  # Of other settings, which the claims do not tell apart.
  wider = {"name": "unet", "base": 64}
  write(tmp_path / "twice", other, made.model_counts(network=wider))
  for name in LACKED:
    facts = {k: v for k, v in other.facts.items() if k != name}
    write(tmp_path / f"no {name}", dataclasses.replace(other, facts=facts))
    nothing = {**facts, name: None}
    write(tmp_path / f"{name} null", dataclasses.replace(other, facts=nothing))
  facts = {**other.facts, "prominence": {"kept_fraction": 0}}
  write(tmp_path / "fraction", dataclasses.replace(other, facts=facts))
  out = f"--output={tmp_path / 'out'}"
  for folders, what in (
    ("none", "holds no counts of models"),
    ("a,b", "compare models of one split"),
    ("maps", "counts of an older version"),
    ("cut", "not readable as counts"),
    ("a,a", "give each model once"),
    ("twice", "give each model once"),
    *((f"no {name}", f"entry {name} is missing") for name in LACKED),
    *((f"{name} null", f"entry {name} is null") for name in LACKED),
    ("fraction", "kept_fraction is 0"),
  ):
    names = ",".join(str(tmp_path / name) for name in folders.split(","))
    assert what in command.refused(
      "claims", f"--counts={names}", out, folder=tmp_path
    )
  told = command.refused(
    "claims",
    f"--counts={tmp_path / 'a'}",
    out,
    "--resamples=1",
    folder=tmp_path,
  )
  assert "--resamples" in told
  assert not (tmp_path / "out").exists()


def test_models_that_never_learnt_are_named(tmp_path):
  constant = {"inside": (0.02, 0.001), "outside": (0.02, 0.001)}
  write(tmp_path / "a", made.model_counts(voxels=(9, 1200), **constant))
  done = command.done(
    "claims", f"--counts={tmp_path}/a", f"--output={tmp_path}", folder=tmp_path
  )
  assert "Left out: 1 that never learnt (brain/bce/0)" in done
  assert "no claim can be judged" in done
