"""A run's models to counts: end to end, and kept."""

import dataclasses
import shutil

import numpy as np
import pytest

import jaxseg
from jaxseg import data
from jaxseg import errors
from jaxseg import metrics
from jaxseg import study
from jaxseg import thresholds
from tests import tiny
from tests.study import made


def whole(run, name, structure):
  """A patient's map by the stand-in, its reference and its entry."""
  patient = run.store.patients[name]
  maps = made.Bright(structure).predict_prepared(run.store.image(name))
  reference = run.store.reference(name, structure)
  return patient.placement.restore(maps), reference, patient


def test_counts_equal_a_recount_of_the_maps(run, results):
  test = {
    scope: results[1].select(part="test", scope=scope)
    for scope in ("known", "volume", "organ")
  }
  assert test["known"].names == tuple(
    name
    for name in run.split.test
    if "spinal_cord" in run.store.patients[name].contoured
  )
  for n, name in enumerate(test["known"].names):
    maps, reference, patient = whole(run, name, "spinal_cord")
    first, last = patient.contoured["spinal_cord"]
    for scope, slices in (
      ("known", slice(first, last + 1)),
      ("volume", slice(1, None)),  # Slice 0 was not scanned.
      ("organ", reference.any((1, 2))),
    ):
      counts = test[scope].even[n]
      for k in (100, 500, 900):
        cut = maps[slices] >= np.float32(k / 1000)
        y = reference[slices]
        assert counts.true_positive[k] == (cut & y).sum()
        assert counts.false_positive[k] == (cut & ~y).sum()


def test_distances_are_those_of_the_masks(run, results):
  choose_on, score_on = results[0].sides()
  best = thresholds.optimum(choose_on.even).threshold
  assert 101 <= len(score_on.cuts) <= 103
  maps, reference, patient = whole(run, score_on.names[0], "brain")
  known = patient.scanned[:, None, None]
  for cut in (0.0, 0.5, best):
    found = metrics.surface_report(
      (maps >= np.float32(cut)) & known, reference & known, patient.spacing
    )
    assert score_on.surfaces_at(cut)[0, :3].tolist() == [
      found["hausdorff_95"], found["assd"], found["nsd_2"]
    ]  # fmt: skip


def test_the_threshold_is_chosen_on_validation_and_scored_on_test(trained):
  run, (result,) = trained
  (folder,) = run.models()
  said = thresholds.ChosenThreshold.read(folder)
  choose_on, score_on = result.sides()
  best = thresholds.optimum(choose_on.even)
  assert np.float32(said.threshold) == np.float32(best.threshold)
  assert said.value == said.details["dice_validation"] == best.value
  curve = thresholds.curve(score_on.even.sum(0))
  assert said.details["dice_test"] == curve[best.index]
  assert said.details["dice_test_half"] == curve[500]
  assert said.details["store"] == run.store.content_hash
  assert not set(choose_on.names) & set(score_on.names)


def test_what_was_swept_is_kept(trained):
  run, _ = trained
  (path,) = (run.counts(folder) for folder in run.models())
  before = path.stat().st_mtime_ns
  seen = []
  study.sweep_run(run, on_model=lambda *said: seen.append(said))
  assert path.stat().st_mtime_ns == before
  assert seen == [("brain, bce, seed 0", 1, 1)]
  assert len(study.read_run(run)) == 1


def test_another_model_is_counted_again(trained, monkeypatch):
  run, _ = trained
  (folder,) = run.models()
  path = run.counts(folder)
  before = path.read_bytes()
  other = study.sweep_model(run, made.Bright("brain"), digest="other")
  other.write(path)
  study.sweep_run(run)
  assert path.read_bytes() == before


def test_counts_of_fewer_scopes_are_made_again(trained):
  run, (result,) = trained
  (path,) = (run.counts(folder) for folder in run.models())
  before = path.read_bytes()
  older = {name: result.scopes[name] for name in ("known", "volume")}
  dataclasses.replace(result, scopes=older).write(path)
  study.sweep_run(run)
  assert path.read_bytes() == before


def test_nothing_to_sweep_is_refused(tmp_path):
  run = tiny.prepare(tmp_path / "run")
  with pytest.raises(errors.DataError, match=r"jaxseg train"):
    study.sweep_run(run)
  with pytest.raises(errors.DataError, match=r"jaxseg sweep"):
    study.read_run(run)
  with pytest.raises(errors.StructureNotFoundError, match="larynx: contoured"):
    study.sweep_model(run, made.Bright("larynx"))


def test_shifted_views_are_swept_and_told(trained, tmp_path):
  run, (before,) = trained
  again = data.Run(shutil.copytree(run.folder, tmp_path / "run"))
  (result,) = study.sweep_run(again, tta=3)
  (folder,) = again.models()
  assert thresholds.ChosenThreshold.read(folder).details["tta"] == 3
  assert jaxseg.load_model(folder).tta == 3
  counts = [r.select(part="test").even.true_positive for r in (before, result)]
  assert not np.array_equal(*counts)
  path = again.counts(folder)
  written = path.stat().st_mtime_ns
  # The run has kept them, for this process and for others.
  study.sweep_run(again)
  study.sweep_run(data.Run(again.folder), tta=3)
  assert path.stat().st_mtime_ns == written
  with pytest.raises(errors.ConfigError, match="tta is 12"):
    study.sweep_run(again, tta=12)
  (alone,) = study.sweep_run(again, tta=1)  # As it was at first.
  assert again.facts["training_flags"] == run.facts["training_flags"]
  np.testing.assert_array_equal(
    alone.select(part="test").even.true_positive, counts[0]
  )
  assert "tta" not in thresholds.ChosenThreshold.read(folder).details
