"""Models that are in no table are named, and no others."""

import dataclasses
import shutil

import pytest

from jaxseg import data
from jaxseg import errors
from jaxseg import study
from tests.study import made


@pytest.fixture
def swept(trained, tmp_path):
  """A run with a swept model, and another one beside it."""
  shutil.copytree(trained[0].folder, tmp_path / "run")
  found = data.Run(tmp_path / "run")
  (first,) = found.models()
  shutil.copytree(first, first.with_name("7"))
  other = study.sweep_model(found, made.Bright("brain"))
  other.facts["seed"] = 7
  other.write(found.counts(first.with_name("7")))
  return found


def models(run):
  return [result.facts["seed"] for result in study.read_run(run)]


def test_of_a_whole_run_nothing_is_missing(swept):
  assert study.missing_models(swept) == ()
  assert study.missing_said(()) == ""
  assert models(swept) == [0, 7]


@pytest.mark.parametrize(
  ("lost", "said"),
  [
    ("models/brain/bce/7/summary.json", "training is not finished"),
    ("counts/brain-bce-7.npz", "its counts are missing"),
    ("models/brain/bce/7", "has counts, and its model's folder is gone"),
  ],
)
def test_what_was_lost_is_named(swept, lost, said):
  path = swept.folder / lost
  shutil.rmtree(path) if path.is_dir() else path.unlink()
  (line,) = study.missing_models(swept)
  assert line.endswith(f"7 ({said})")
  assert line.replace("-", "/").startswith("brain/bce/7")
  sentence = study.missing_said((line,))
  assert sentence.startswith("Missing: 1 model of this run is in no table")
  assert said not in sentence  # A reason is said with its remedy.
  assert models(swept) == [0]


def test_counts_of_another_model_are_not_taken(swept):
  shutil.copy(
    swept.folder / "counts/brain-bce-0.npz",
    swept.folder / "counts/brain-bce-7.npz",
  )
  assert study.missing_models(swept) == (
    "brain/bce/7 (its counts are of another model)",
  )
  assert models(swept) == [0]


def test_a_begun_training_is_missing_and_an_empty_folder_is_not(swept):
  (swept.folder / "models/brain/dice/0").mkdir(parents=True)
  assert study.missing_models(swept) == ()
  (swept.folder / "models/brain/dice/0/config.json").write_text("{}")
  (line,) = study.missing_models(swept)
  assert line == "brain/dice/0 (training is not finished)"


def test_one_that_never_learnt_is_left_out_and_named(swept):
  first, other = (swept.counts(folder) for folder in swept.models())
  counts = study.CohortCounts.read(first)
  scopes = {
    scope: dataclasses.replace(own, negative=own.negative * 1000)
    for scope, own in counts.scopes.items()
  }
  facts = {**counts.facts, "seed": 7, "model": ""}
  dataclasses.replace(counts, facts=facts, scopes=scopes).write(other)
  assert study.missing_models(swept) == (
    "brain/bce/7 (never learnt: validation Dice below 0.1 at every threshold)",
  )
  assert models(swept) == [0]
  first.unlink()  # Alone, it is all there is to tell of.
  assert models(swept) == [7]


def test_a_folder_of_counts_tells_which_models_it_lacks(swept, tmp_path):
  assert study.uncounted_said(swept.folder) == ""
  assert study.uncounted_said(swept.folder / "counts") == ""
  (swept.folder / "counts/brain-bce-7.npz").unlink()
  assert study.uncounted_said(swept.folder) == (
    f"Of {swept.folder}: Not counted yet (jaxseg sweep does): brain/bce/7."
  )
  # As counts are read without the store.
  shutil.rmtree(swept.folder / "store")
  assert study.uncounted_said(swept.folder) == ""


def test_many_are_counted():
  stuck = "never learnt: validation Dice below 0.1 at every threshold"
  said = study.missing_said(
    [f"m{k} (training is not finished)" for k in range(13)] + [f"n ({stuck})"]
  )
  assert said == (
    "Missing: 14 models of this run are in no table, figure or median. Not"
    " trained to the end (jaxseg train goes on): m0, m1, m2, m3, m4 and 8 more."
    " Learnt nothing, and another seed stands for it: n."
  )


@pytest.mark.parametrize("name", ["config.json", "summary.json"])
@pytest.mark.parametrize("text", ["[]", "null", "{"])
def test_a_damaged_file_of_a_model_is_one_line(swept, name, text):
  (swept.models()[0] / name).write_text(text)
  with pytest.raises(errors.DataError, match=rf"{name}: .*; ") as caught:
    study.sweep_run(swept)
  assert "\n" not in str(caught.value)


def test_steps_that_were_made_are_kept_beside_those_asked(swept):
  folder = swept.models()[0]
  path = swept.counts(folder)
  log = folder / "metrics.csv"
  made_there = int(log.read_text().splitlines()[-1].split(",")[1])
  counts = study.CohortCounts.read(path)
  assert counts.facts["steps_made"] == made_there <= counts.facts["steps"]
  # Of an older version: told without a count of any voxel.
  older = {k: v for k, v in counts.facts.items() if k != "steps_made"}
  dataclasses.replace(counts, facts=older).write(path)
  study.sweep_run(swept)
  assert study.CohortCounts.read(path).facts == counts.facts
  log.write_text("epoch,step\n0,many\n")
  with pytest.raises(errors.DataError, match=r"metrics.csv: .*; restore it"):
    study.sweep_run(swept)


def test_each_flipped_bit_of_counts_is_found(swept):
  path = swept.folder / "counts/brain-bce-0.npz"
  content = path.read_bytes()
  before = study.CohortCounts.read(path)
  for k in range(0, len(content), max(1, len(content) // 120)):
    wrong = bytearray(content)
    wrong[k] ^= 1 << k % 8
    path.write_bytes(wrong)
    try:
      found = study.CohortCounts.read(path)
    except errors.DataError:
      continue
    for scope, counts in before.scopes.items():
      assert (found.scopes[scope].positive == counts.positive).all()
      assert (found.scopes[scope].negative == counts.negative).all()
    assert found.facts == before.facts
