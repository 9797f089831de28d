"""Families of models: seeds, levels, folds, and what never learnt."""

import dataclasses
import json
import pathlib
import shutil
import types

import numpy as np
import pytest

from jaxseg import data
from jaxseg import errors
from jaxseg import report
from jaxseg import study
from jaxseg import thresholds
from jaxseg import training
from jaxseg.cli import _family
from jaxseg.cli import _flags
from tests import tiny
from tests.cli import command
from tests.study import made

OWN = training.Config("brain", negatives=0.25)


def members(**changes):
  how = {"seeds": (0,), "levels": (0.25,), "number": None, **changes}
  found = _family.members([OWN], **how)
  return [
    training.model_folder(pathlib.Path("run"), c).as_posix() for c in found
  ]


def test_the_runs_own_level_keeps_the_promised_place():
  assert members() == ["run/models/brain/bce/0"]
  assert members(seeds=(0, 2), levels=(0, 0.25, 1.5)) == [
    f"run/models/brain/bce/{seed}{level}"
    for seed in (0, 2)
    for level in ("-negatives-0", "", "-negatives-1.5")
  ]
  assert members(number=3) == [
    f"run/models/brain/bce/0-folds-3/fold-{k}" for k in range(3)
  ]
  assert members(levels=(1 / 3,), number=3)[2] == (
    "run/models/brain/bce/0-negatives-0.3333333333333333-folds-3/fold-2"
  )


def test_a_default_model_says_nothing_of_variants():
  (plain,) = _family.members([OWN], seeds=(0,), levels=(0.25,), number=None)
  assert plain == OWN and "variant" not in plain.to_json()
  (other,) = _family.members([OWN], seeds=(0,), levels=(1.0,), number=None)
  assert training.Config.from_json(other.to_json()) == other
  with pytest.raises(errors.ConfigError, match=r"variant is '../x'"):
    dataclasses.replace(OWN, variant="../x")


@pytest.mark.parametrize(
  ("given", "found"),
  [("--seed=0,1,1", (0, 1)), ("--seed=7", (7,)), (None, (0,))],
)
def test_lists_of_seeds(given, found):
  flags = _flags.Flags()
  _family.define(flags)
  flags.parse([given] if given else [])
  assert flags.seed == found


@pytest.mark.parametrize(
  "given", ["--seed=", "--seed=1,", "--seed=0.5", "--negatives=a"]
)
def test_what_is_no_number_is_refused(given):
  flags = _flags.Flags()
  _family.define(flags)
  _family.define_negatives(flags)
  with pytest.raises(errors.ConfigError, match="--help lists"):
    flags.parse([given])


@pytest.mark.parametrize(
  ("flag", "text"),
  [
    ("--folds=2", "--folds=2: give 3 or more"),
    ("--replace_stuck=-1", "--replace_stuck=-1: give 0 or more"),
    ("--negatives=0,-1", "negatives is -1.0; give a number from 0 on"),
    ("--seed=0,-1", "seed is -1; give"),
  ],
)
def test_bad_families_are_refused_before_preparing(flag, text, tmp_path):
  flags = ("--structure=brain", *command.TINY, flag)
  assert text in command.refused("train", *flags, folder=tmp_path)
  assert not list(tmp_path.iterdir())


def test_bad_families_are_refused_of_a_run_too(prepared):
  flags = ("--structure=brain", "--output=runs/phantom", "--replace_stuck=-1")
  line = command.refused("train", *flags, folder=prepared)
  assert "--replace_stuck=-1: give 0 or more" in line


def asked(**values):
  """Flags as a command has them; those that are not named have no value."""
  return types.SimpleNamespace(
    **{"folds": None, "replace_stuck": None} | values
  )


def test_folds_are_those_of_the_runs_models(tmp_path):
  run = types.SimpleNamespace(folder="run", has_models=True)
  assert _family.folds(asked(), run, {"folds": 5}) == 5
  assert _family.folds(asked(folds=5), run, {"folds": 5}) == 5
  for kept, text in (({}, "no folds"), ({"folds": 4}, "4 folds")):
    with pytest.raises(errors.ExistingOutputError, match=f"have {text}, asked"):
      _family.folds(asked(folds=5), run, kept)


def test_what_never_learnt_is_trained_again_with_ten_more(monkeypatch, capsys):
  trained = []
  monkeypatch.setattr(_family, "train", lambda f, r, c: trained.append(list(c)))
  configs = [dataclasses.replace(OWN, seed=seed) for seed in (0, 1, 10)]
  # Of seed 0 the place of 10 is taken, and 20 does not learn either.
  stuck = {0, 20}

  def sweep(family):
    return [
      made.model_counts(
        seed=one.seed, negatives=0.25, inside=(0.02, 0.01), voxels=(4, 1200)
      )
      if one.seed in stuck
      else made.model_counts(seed=one.seed, negatives=0.25)
      for one in family
    ]

  how = {"flags": asked(replace_stuck=3), "run": None, "default": 0}
  family, results = _family.swept(configs=configs, sweep=sweep, **how)
  assert [[one.seed for one in part] for part in trained] == [
    [0, 1, 10],
    [20],
    [30],
  ]
  assert [one.seed for one in family] == [0, 1, 10, 20, 30]
  assert "trained again: brain, bce, negatives 0.25, seed 0" in (
    capsys.readouterr().out
  )
  good, left = study.learnt(results)
  assert [r.facts["seed"] for r in good] == [1, 10, 30]
  assert [r.facts["seed"] for r in left] == [0, 20]
  # Where none has learnt, there is nothing else to tell of.
  assert study.learnt(left) == (left, [])


@pytest.fixture(scope="module")
def folded(tmp_path_factory):
  """A run of three folds, at a level that is not its own, and its counts."""
  run = tiny.prepare(tmp_path_factory.mktemp("family") / "run")
  own = tiny.config("brain", epochs=1, steps_per_epoch=2)
  configs = _family.members([own], seeds=(0,), levels=(0.0,), number=3)
  run.folds(3)
  for split, part in _family.by_split(run, configs):
    training.train_family(run.store, split, run.folder, part, devices=1)
  return run, configs, study.sweep_run(run)


@pytest.mark.slow
def test_every_patient_is_scored_once_by_a_model_that_has_not_seen_it(folded):
  run, configs, (own,) = folded
  assert _family.folders(run, configs) == run.models()
  everyone = sorted(run.store.contoured("brain"))
  for part in ("validation", "test"):
    assert sorted(own.select(part=part).names) == everyone
  scored = own.select(part="test", scope="volume")
  for fold, split in zip(
    data.fold_folders(run.models()[0]), run.folds(), strict=True
  ):
    config = json.loads((fold / "config.json").read_text())
    assert config["split"] == split.digest
    name = split.test[0]
    model = study.model_of(run, run.models()[0], name)
    maps = model.predict_prepared(run.store.image(name))
    maps = run.store.patients[name].placement.restore(maps)
    place = scored.names.index(name)
    drawable = run.store.patients[name].drawable("brain")
    np.testing.assert_array_equal(
      scored.predicted[place, 300],
      np.sum(maps[drawable] >= np.float32(0.3)),
    )
    assert (fold / "threshold.json").is_file()
  assert own.facts["beside"] and own.facts["negatives"] == 0
  assert own.facts["folds"][0] == 3


@pytest.mark.slow
def test_patients_of_folds_are_shown_by_models_that_have_not_seen_them(
  folded, tmp_path
):
  run, _, (own,) = folded
  # Not the highest Dice, which would be found without threshold.json.
  run = data.Run(shutil.copytree(run.folder, tmp_path / "run"))
  study.sweep_run(run, settings=study.Settings(criterion="recall>=0.95"))
  chosen = thresholds.ChosenThreshold.read(run.models()[0] / "fold-0")
  scored = own.select(part="test")
  assert chosen.threshold != thresholds.optimum(own.sides()[0].even).threshold
  scenes = list(study.scenes(run, run.models()))
  assert [one.role for one in scenes] == list(study.ROLES)
  for one in scenes:
    (mine,) = one.maps
    assert mine.threshold == chosen.threshold
    assert mine.choices["negatives"] == 0
    assert one.patients == len(run.store.contoured("brain"))
    known = np.repeat(one.known, one.shape[1] * one.shape[2])
    truth = np.zeros(known.size, np.bool_)
    truth[one.reference] = True
    counts = scored.even[scored.names.index(one.patient)]
    for k in (1, 300, 500):
      inside = mine.place[mine.level > k]
      inside = inside[known[inside]]
      assert truth[inside].sum() == counts.true_positive[k]
      assert (~truth[inside]).sum() == counts.false_positive[k]
  html = report.viewer_html(iter(scenes))
  assert html.count("brain") and all(one.patient in html for one in scenes)


@pytest.mark.slow
def test_analyses_read_folds_and_levels(folded, tmp_path):
  run, _, results = folded
  assert [r.name for r in study.read_run(run)] == [
    "brain, bce, seed 0, negatives 0",
  ]
  assert study.missing_models(run) == ()
  again = study.read_counts([run.folder])
  rows = study.claims(again, resamples=20)
  assert {row["claim"] for row in rows} >= {"C1", "C2"}
  medians = study.sensitivity_medians(study.sensitivity(results))
  assert {row["negatives"] for row in medians} == {0.0}
  (example,) = study.examples(run, run.models())
  assert example.patient in run.split.part("train") + run.split.test + (
    run.split.validation
  )
  summary = run.models()[0] / "fold-1" / "summary.json"
  text = summary.read_text()
  summary.unlink()
  try:
    assert study.missing_models(run) == (
      "brain/bce/0-negatives-0-folds-3 (training is not finished)",
    )
  finally:
    summary.write_text(text)
