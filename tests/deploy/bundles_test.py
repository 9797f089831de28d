"""An export stands alone: without its run, in another place, to the bit."""

import json
import shutil

import numpy as np
import pytest

import jaxseg
from jaxseg import _bundle
from jaxseg import _files
from jaxseg import _sealed
from jaxseg import data
from jaxseg import deploy
from jaxseg import errors
from jaxseg import study
from jaxseg import thresholds
from jaxseg.deploy import _bundles
from jaxseg.deploy import _card
from jaxseg.deploy import _models
from tests import deployed as made


@pytest.fixture
def bundle(deployed, tmp_path):
  """A copy in another place, to be damaged."""
  shutil.copytree(deployed / "bundle", tmp_path / "elsewhere")
  return tmp_path / "elsewhere"


def test_it_gives_the_maps_of_the_run(deployed, bundle):
  run = data.Run(deployed / "run")
  images = run.store.image(made.NAMES[2])
  folders = [run.folder / f"models/oral_cavity/bce/{s}" for s in made.SEEDS]
  of_run = jaxseg.load_model(folders)
  alone = jaxseg.load_model(bundle, structure="oral_cavity")
  np.testing.assert_array_equal(
    alone.predict_prepared(images), of_run.predict_prepared(images)
  )
  assert alone.facts["digest"] == of_run.facts["digest"]
  one = jaxseg.load_model(run.folder / "models/brain/bce/0")
  brain = jaxseg.load_model(bundle, structure="brain")
  assert brain.threshold == one.threshold
  assert all(bundle in folder.parents for folder in brain.folders)


def test_an_ensemble_has_the_threshold_of_its_own_maps(deployed, bundle):
  run = data.Run(deployed / "run")
  model = jaxseg.load_model(bundle, structure="oral_cavity")
  (name,) = run.split.validation
  maps = model.predict_prepared(run.store.image(name))
  maps = run.store.patients[name].placement.restore(maps)
  reference = run.store.reference(name, "oral_cavity")
  counts = thresholds.count_case(maps, reference, thresholds.grid(1001))
  best = thresholds.optimum(counts)
  assert model.threshold.threshold == pytest.approx(best.threshold, abs=1e-6)
  assert model.threshold.value == pytest.approx(best.value)


def test_its_files_say_what_it_is(deployed):
  content = json.loads((deployed / "bundle" / "model.json").read_text())
  assert content["format"] == "jaxseg.bundle/1"
  about = content["structures"]["oral_cavity"]
  assert about["seeds"] == [0, 1] and about["objectives"] == ["bce"]
  assert about["cohort"] == "phantom" and about["synthetic"]
  assert about["training"]["patients"] == 1
  assert about["training"]["measures"]["slice_mm"] == [10.0, 10.0, 10.0]
  assert about["temperature"] > 0
  assert {"largest", "holes"} <= set(about["postprocess"])
  card = (deployed / "bundle" / "MODEL_CARD.md").read_text()
  for said in ("# Model card", "made-up patients", "oral cavity", "bce",
               "Not for clinical use", content["structures"]["brain"]
               ["cohort_hash"]):  # fmt: skip
    assert said in card
  assert str(deployed) not in card + json.dumps(content)


def test_the_weights_alone_are_kept(deployed):
  kept = list((deployed / "bundle").rglob("checkpoints/*/*"))
  assert {path.parent.name for path in kept} == {"best"}
  assert len(kept) == 3
  size = sum(p.stat().st_size for p in kept[0].rglob("*") if p.is_file())
  model = jaxseg.load_model(deployed / "bundle", structure="brain")
  leaves = jaxseg.models.parameter_count(model.members[0].variables["params"])
  assert size < 4 * leaves + 60_000


def test_an_export_is_exported_again(deployed, tmp_path):
  place = tmp_path / "again"
  deploy.export([deployed / "bundle"], place, structures=["brain"])
  brain = jaxseg.load_model(place)
  first = jaxseg.load_model(deployed / "bundle", structure="brain")
  assert brain.facts["digest"] == first.facts["digest"]
  assert brain.threshold == first.threshold
  assert brain.about["training"] == first.about["training"]


def test_several_structures_are_told_apart(bundle):
  with pytest.raises(errors.ConfigError, match="brain, oral_cavity; choose"):
    jaxseg.load_model(bundle)
  with pytest.raises(errors.StructureNotFoundError, match="has no model of li"):
    jaxseg.load_model(bundle, structure="liver")
  models = deploy.load_models([bundle])
  assert list(models) == ["brain", "oral_cavity"]


@pytest.mark.parametrize(
  ("change", "text"),
  [
    ({"format": "jaxseg.bundle/9"}, "this version reads jaxseg.bundle/1"),
    ({"structures": {}}, "names no structure"),
    ({"structures": {"brain": {"members": ["../x"], "threshold": None}}},
     "is no place within it"),
    ({"structures": {"brain": {"members": [], "threshold": None}}},
     "has no model"),
    ({"structures": {"brain": 3}}, "where an object with entries belongs"),
  ],
  ids=str,
)  # fmt: skip
def test_damage_is_one_line(bundle, change, text):
  content = json.loads((bundle / "model.json").read_text())
  del content["digest"]
  (bundle / "model.json").write_text(json.dumps({**content, **change}))
  with pytest.raises(errors.DataError, match=text) as caught:
    jaxseg.load_model(bundle)
  assert "\n" not in str(caught.value)


def test_a_changed_byte_is_found(bundle):
  path = bundle / "model.json"
  path.write_text(path.read_text().replace('"temperature"', '"temperatura"'))
  with pytest.raises(errors.DataError, match="its digest does not fit"):
    _bundle.read(bundle)


def test_a_changed_weight_is_found(bundle):
  files = [p for p in bundle.rglob("brain/**/d/*") if p.is_file()]
  largest = max(files, key=lambda p: p.stat().st_size)
  content = bytearray(largest.read_bytes())
  content[len(content) // 2] ^= 1
  largest.write_bytes(content)
  with pytest.raises(errors.DataError, match="is not what was written"):
    jaxseg.load_model(bundle, structure="brain")


@pytest.mark.parametrize(
  "lost",
  ["threshold.json", "bce/0/model.json", "bce/0/checkpoints"],
)
def test_who_has_no_run_is_not_sent_to_train_again(bundle, lost):
  (bundle / "models" / "brain" / lost).rename(bundle / "lost")
  with pytest.raises(errors.DataError, match="export the models again") as got:
    jaxseg.load_model(bundle, structure="brain")
  assert "train" not in str(got.value) and "run the" not in str(got.value)


def test_platforms_are_asked_before_the_work(deployed, tmp_path):
  done = []
  with pytest.raises(errors.ConfigError, match="'gpu' is unknown"):
    deploy.export(
      [deployed / "bundle"], tmp_path / "new", stablehlo=["gpu"],
      on_step=lambda *step: done.append(step),
    )  # fmt: skip
  assert not done


def test_nothing_is_overwritten_or_half_written(
  deployed, tmp_path, monkeypatch
):
  (tmp_path / "there").mkdir()
  with pytest.raises(errors.ExistingOutputError, match="already exists"):
    deploy.export([deployed / "bundle"], tmp_path / "there")

  def full(*_):
    raise OSError(28, "No space left on device")

  monkeypatch.setattr("jaxseg._weights.save", full)
  with pytest.raises(OSError, match="No space left"):
    deploy.export([deployed / "bundle"], tmp_path / "new")
  assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_models_in_training_are_left_out_and_named(deployed, tmp_path):
  run = shutil.copytree(deployed / "run", tmp_path / "run")
  (run / "models/brain/bce/0/summary.json").unlink()
  done = deploy.export([run], tmp_path / "out", structures=["oral_cavity"])
  assert not [note for note in done.notes if "training" in note]
  done = deploy.export([run], tmp_path / "all")
  assert list(done.structures) == ["oral_cavity"]
  assert "brain/bce/0: its training has not ended" in done.notes[0]


def test_an_objective_is_asked_of_the_wanted_structures_alone(
  deployed, tmp_path
):
  run = shutil.copytree(deployed / "run", tmp_path / "run")
  path = run / "models/oral_cavity/bce/1/model.json"
  facts = _files.read_json(path)
  _sealed.write(path, {**facts, "objective": "dice"})
  with pytest.raises(errors.DataError, match="no model of brain trained on"):
    _bundles._folders([run], "dice", None)
  (found,) = _bundles._folders([run], "dice", ["oral_cavity"])
  assert found == path.parent


def test_a_model_of_another_store_is_refused(deployed, tmp_path):
  shutil.copytree(deployed / "run", tmp_path / "run")
  path = tmp_path / "run" / "models" / "brain" / "bce" / "0" / "model.json"
  _sealed.write(path, {**json.loads(path.read_text()), "store": "other"})
  with pytest.raises(errors.DataError, match="the store other, and .*/run has"):
    deploy.export([path.parent], tmp_path / "out")
  assert not (tmp_path / "out").exists()


def test_what_is_no_model_is_named(deployed, tmp_path):
  with pytest.raises(errors.DataError, match="neither a model nor a run"):
    deploy.export([tmp_path], tmp_path / "new")
  with pytest.raises(errors.DataError, match="trained on dice; there are bce"):
    deploy.export([deployed / "run"], tmp_path / "new", objective="dice")
  with pytest.raises(errors.StructureNotFoundError, match="liver: no model"):
    deploy.export([deployed / "run"], tmp_path / "new", structures=["liver"])


def test_models_of_no_run_have_no_common_threshold(deployed, tmp_path):
  shutil.copytree(deployed / "run" / "models", tmp_path / "models")
  paths = sorted((tmp_path / "models" / "oral_cavity").glob("*/*"))
  done = deploy.export(
    paths, tmp_path / "new", clean=True, settings=study.Settings(resamples=2)
  )
  assert any("has no threshold of its own" in note for note in done.notes)
  assert any("to choose a cleaning on" in note for note in done.notes)
  model = jaxseg.load_model(tmp_path / "new")
  assert model.threshold is None
  assert model.about["training"] == {}
  assert (
    "--output=OUT --threshold=T"
    in (tmp_path / "new" / "MODEL_CARD.md").read_text()
  )


def test_the_card_names_the_cohorts_of_all_members():
  one = {"objectives": ["bce"], "seeds": [0, 1], "cohort": "own",
         "cohort_hash": "aa", "cohort_hashes": ["aa", "bb"],
         "training": {"patients": 8}}  # fmt: skip
  assert "| aa, bb | 8 of the first |" in _card._training({"brain": one})


def test_an_ensemble_knows_the_trainings_of_all_its_runs(
  deployed, tmp_path, monkeypatch
):
  """Whatever runs they come from, and in whatever order."""
  runs = [deployed / "run", tmp_path / "other"]
  shutil.copytree(runs[0], runs[1])
  known = {
    runs[0]: {"patients": 3, "measured": 3,
              "measures": {"pixel_mm": [1.0, 1.5, 2.0], "fat": [0, 0.1, 1]}},
    runs[1]: {"patients": 5, "measured": 5,
              "measures": {"pixel_mm": [3.0, 3.5, 4.0]}},
  }  # fmt: skip
  of = {path.resolve(): value for path, value in known.items()}
  monkeypatch.setattr(_models, "_training_of", lambda run, *_: of[run])
  models = [run / "models" / "oral_cavity" / "bce" / "0" for run in runs]
  for paths in (models, models[::-1]):
    found = _models.training(jaxseg.load_model(paths))
    assert found["measures"]["pixel_mm"] == [1.0, 3.5, 4.0]
    assert found["measures"]["fat"] == [0, 0.1, 1]
    # They are of one cohort.
    assert found["patients"] == found["measured"] == 5
  # Exported one by one, and then as one.
  for path, name in zip(models, "ab", strict=True):
    deploy.export([path], tmp_path / name)
  deploy.export([tmp_path / "a", tmp_path / "b"], tmp_path / "both")
  about = jaxseg.load_model(tmp_path / "both").about
  assert about["training"]["measures"]["pixel_mm"] == [1.0, 3.5, 4.0]
