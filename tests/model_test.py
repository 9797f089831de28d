"""A trained folder as a model: maps on a volume's own grid, and the cut."""

import dataclasses
import json
import shutil

import chex
import numpy as np
import pytest

import jaxseg
from jaxseg import cohorts
from jaxseg import data
from jaxseg import errors
from jaxseg import model
from jaxseg import thresholds
from jaxseg import volume
from tests import tiny
from tests.cohort_double import Blobs

pytestmark = pytest.mark.usefixtures("quick_networks")

CHOSEN = thresholds.ChosenThreshold(
  0.25, criterion="dice", value=0.8, patients=2
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
  return tiny.prepare(tmp_path_factory.mktemp("model") / "run")


@pytest.fixture(scope="module")
def trained(run):
  """Folders of two models of the brain and one of the spinal cord."""
  short = {"epochs": 1, "steps_per_epoch": 1}
  configs = (
    tiny.config(),
    tiny.config(seed=1, **short),
    tiny.config("spinal_cord", **short),
  )
  return [done.folder for done in tiny.train(run, *configs)]


@pytest.fixture
def folder(trained, tmp_path):
  """A copy of the first model, to be damaged."""
  shutil.copytree(trained[0], tmp_path / "copy")
  return tmp_path / "copy"


def test_a_map_lies_where_the_organ_is(run, trained):
  case = Blobs().load(run.split.test[0])
  maps = jaxseg.load_model(trained[0]).predict(case.image)
  chex.assert_shape(maps.array, case.image.shape)
  assert maps.array.dtype == np.float32
  assert maps.grid is case.image.grid
  assert 0 <= maps.array.min() and maps.array.max() <= 1
  reference = case.masks["brain"]
  assert maps.array[reference].mean() > 3 * maps.array[~reference].mean()


def test_it_is_what_the_store_gives(run, trained):
  loaded = model.load_model(trained[0])
  for name in run.split.test:
    stored = loaded.predict_prepared(run.store.image(name))
    expected = run.store.patients[name].placement.restore(stored)
    maps = loaded.predict(Blobs().load(name).image)
    np.testing.assert_array_equal(maps.array, expected)
  # Compiled for this machine's byte order, it is not misled by another.
  swapped = run.store.image(name).astype(">i2")
  np.testing.assert_array_equal(loaded.predict_prepared(swapped), stored)
  image = Blobs().load(name).image
  swapped = image.with_array(image.array.astype(">f4"))
  np.testing.assert_array_equal(loaded.predict(swapped).array, maps.array)


@pytest.mark.parametrize(
  "grid", [{"size": (32, 32), "spacing": 8.0}, {"crop": (0.25, 0.75)}], ids=str
)
def test_it_is_what_the_store_gives_of_the_phantom(deployed, tmp_path, grid):
  phantom = cohorts.DicomFolder(deployed / "files")
  prepare = data.PrepareConfig(structures=("oral_cavity",), **grid)
  names = phantom.patients()
  split = data.Split(*((name,) for name in names))
  run = data.prepare_run(tmp_path / "run", phantom, prepare, split=split)
  config = tiny.config("oral_cavity", epochs=1, steps_per_epoch=1)
  (done,) = tiny.train(run, config)
  loaded = model.load_model(done.folder)
  for name in names:
    placement = run.store.patients[name].placement
    assert placement.is_crop == ("crop" in grid)
    stored = loaded.predict_prepared(run.store.image(name))
    maps = loaded.predict(phantom.load(name).image)
    np.testing.assert_array_equal(maps.array, placement.restore(stored))
    assert maps.array.any()


@pytest.mark.parametrize("flipped", [(), (0,), (1, 2)])
def test_axes_of_other_files_are_turned_and_turned_back(run, trained, flipped):
  image = Blobs().load(run.split.test[0]).image
  loaded = model.load_model(trained[0])
  order = (2, 0, 1)
  affine = image.affine.copy()
  for axis in flipped:
    affine[:3, 3] += affine[:3, axis] * (image.shape[axis] - 1)
    affine[:3, axis] *= -1
  turn = [slice(None, None, -1 if k in flipped else 1) for k in range(3)]
  affine[:3, :3] = affine[:3, order]
  turned = volume.Volume.from_affine(
    image.array[tuple(turn)].transpose(order), affine
  )
  maps = loaded.predict(turned)
  assert maps.grid is turned.grid
  back = volume.reorder(maps, image.placed)
  np.testing.assert_allclose(back.array, loaded.predict(image).array, atol=1e-6)


def test_slices_do_not_depend_on_their_batch(run, trained):
  loaded = model.load_model(trained[0])
  images = run.store.images()[:40]  # More than one batch.
  whole = loaded.predict_prepared(images)
  np.testing.assert_array_equal(
    whole[33:37], loaded.predict_prepared(images[33:37])
  )


def test_views_are_those_asked_for_or_of_the_threshold(run, folder, trained):
  images = run.store.images()[:4]
  alone, some = (model.load_model(folder, tta=k) for k in (1, 3))
  assert (model.load_model(folder).tta, some.tta) == (1, 3)
  maps = some.predict_prepared(images)
  assert not np.array_equal(maps, alone.predict_prepared(images))
  dataclasses.replace(CHOSEN, details={"tta": 3}).write(
    folder / "threshold.json"
  )
  own = model.load_model(folder)
  assert own.tta == 3
  np.testing.assert_array_equal(own.predict_prepared(images), maps)
  assert model.load_model(folder, tta=1).tta == 1
  # A number says where to cut, and nothing of the maps.
  assert model.load_model(folder, threshold=0.5).tta == 3
  older = dataclasses.replace(CHOSEN, details={"cohort": "phantom"})
  assert model.load_model(folder, threshold=older).tta == 1
  pair = [folder, trained[1]]
  with pytest.raises(errors.ConfigError, match="swept with tta 1, .* with 3"):
    model.load_model(pair).predict_prepared(images)
  assert model.load_model(pair, tta=5).tta == 5
  dataclasses.replace(CHOSEN, details={"tta": 99}).write(
    folder / "threshold.json"
  )
  with pytest.raises(errors.ConfigError, match="tta is 99"):
    model.load_model(folder).predict_prepared(images)
  with pytest.raises(errors.ConfigError, match="tta is 0"):
    model.load_model(folder, tta=0)


def test_best_and_last_are_told_apart(run, trained):
  images = run.store.images()[:4]
  for slot in ("best", "last"):
    loaded = model.load_model(trained[0], slot=slot)
    assert np.isfinite(loaded.predict_prepared(images)).all()


def test_facts_say_what_it_is(run, trained):
  first, other = (model.load_model(folder) for folder in trained[:2])
  assert first.structure == first.facts["structure"] == "brain"
  assert first.facts["objective"] == "bce"
  assert first.facts["store"] == run.store.content_hash
  assert first.facts["cohort"] == "blobs"
  assert first.facts["digest"] != other.facts["digest"]
  assert first.facts["digest"] == model.load_model(trained[0]).facts["digest"]


def test_an_ensemble_is_the_mean(run, trained):
  image = Blobs().load(run.split.test[0]).image
  parts = [model.load_model(folder) for folder in trained[:2]]
  both = model.load_model(trained[:2], threshold=0.5)
  maps = both.predict(image)
  assert maps.array.dtype == np.float32
  chex.assert_trees_all_close(
    maps.array, np.mean([p.predict(image).array for p in parts], 0), atol=1e-7
  )
  assert both.facts["digest"] not in [p.facts["digest"] for p in parts]
  np.testing.assert_array_equal(both.cut(maps).array, maps.array >= 0.5)


def test_an_ensemble_of_other_grids_is_the_mean_on_the_volumes(
  run, trained, tmp_path
):
  config = data.PrepareConfig(size=(32, 32), spacing=2.5)
  wide = data.prepare_run(tmp_path / "wide", Blobs(), config, split=run.split)
  (done,) = tiny.train(wide, tiny.config(epochs=1, steps_per_epoch=1))
  image = Blobs().load(run.split.test[0]).image
  folders = [*trained[:2], done.folder]
  parts = [model.load_model(f).predict(image).array for f in folders]
  both = model.load_model(folders)
  chex.assert_trees_all_close(
    both.predict(image).array, np.mean(parts, 0), atol=1e-6
  )
  with pytest.raises(errors.ConfigError, match="see different grids"):
    both.predict_prepared(run.store.images()[:2])


def test_models_of_several_structures_are_no_ensemble(trained):
  with pytest.raises(errors.ConfigError, match="spinal_cord, the first is of"):
    model.load_model([trained[0], trained[2]])
  with pytest.raises(errors.ConfigError, match="no model is given"):
    model.load_model([])


def test_it_cuts_at_its_own_threshold(folder, run):
  CHOSEN.write(folder / "threshold.json")
  loaded = model.load_model(folder)
  assert loaded.threshold == CHOSEN
  maps = loaded.predict(Blobs().load(run.split.test[0]).image)
  mask = loaded.cut(maps)
  assert mask.array.dtype == np.bool_
  assert mask.grid is maps.grid
  np.testing.assert_array_equal(
    mask.array, maps.array >= np.float32(CHOSEN.threshold)
  )


def test_another_threshold_can_be_given(folder, tmp_path):
  CHOSEN.write(tmp_path / "other.json")
  maps = volume.Volume.from_affine(
    np.full((1, 1, 2), 0.3, np.float32), np.eye(4)
  )
  for given, expected in (
    (0.31, False),
    (0.3, True),
    (tmp_path / "other.json", True),
    (CHOSEN, True),
  ):
    loaded = model.load_model(folder, threshold=given)
    assert (loaded.cut(maps).array == expected).all()
  with pytest.raises(errors.ConfigError, match="threshold is 1.5"):
    model.load_model(folder, threshold=1.5)


def test_without_a_threshold_cut_says_what_to_do(trained, folder):
  maps = volume.Volume.from_affine(np.zeros((1, 1, 2), np.float32), np.eye(4))
  for path, text in (
    (folder, "holds no threshold.json; sweep the run first"),
    (trained[:2], "an ensemble has no threshold of its own"),
  ):
    loaded = model.load_model(path)
    assert loaded.threshold is None
    with pytest.raises(errors.DataError, match=text) as caught:
      loaded.cut(maps)
    assert "\n" not in str(caught.value)


def test_an_older_threshold_does_not_keep_it_from_predicting(folder, run):
  (folder / "threshold.json").write_text('{"threshold": 0.5}')
  loaded = model.load_model(folder)
  maps = loaded.predict(Blobs().load(run.split.test[0]).image)
  with pytest.raises(errors.DataError, match="older version without a schema"):
    loaded.cut(maps)


@pytest.mark.parametrize(
  ("change", "text"),
  [
    ({"format": "jaxseg.model/9"}, "this version reads jaxseg.model/1"),
    ({"network": {"name": "resnet"}}, "'resnet' is unknown"),
    ({"network": {**tiny.NETWORK, "base": 8}}, "cannot be restored"),
    ({"window_hu": None}, "missing or malformed"),
    ({"prepare": {"colour": "red"}}, "missing or malformed"),
    ({"size": [32]}, "missing or malformed"),
  ],
  ids=str,
)
def test_a_damaged_model_json_is_one_line(folder, change, text):
  content = json.loads((folder / "model.json").read_text())
  (folder / "model.json").write_text(json.dumps({**content, **change}))
  with pytest.raises(errors.DataError, match=text) as caught:
    model.load_model(folder)
  assert "\n" not in str(caught.value)


def test_a_folder_without_a_model_is_named(folder, tmp_path):
  with pytest.raises(errors.DataError, match=r"model\.json: no such file"):
    model.load_model(tmp_path)
  (folder / "model.json").write_text("{")
  with pytest.raises(errors.DataError, match="cannot be read as JSON"):
    model.load_model(folder)


def test_a_damaged_checkpoint_is_one_line(folder):
  for path in (folder / "checkpoints" / "best").rglob("*"):
    if path.is_file() and path.stat().st_size > 500:
      path.write_bytes(path.read_bytes()[:100])
  with pytest.raises(errors.DataError, match="cannot be restored") as caught:
    model.load_model(folder)
  assert "\n" not in str(caught.value)
  shutil.rmtree(folder / "checkpoints" / "best")
  with pytest.raises(errors.DataError, match="no best checkpoint; train"):
    model.load_model(folder)


@pytest.mark.parametrize(
  ("array", "affine", "error", "text"),
  [
    (np.zeros((2, 40, 40), np.int16), None, errors.GeometryError, "geometry"),
    (np.zeros((2, 40, 40), np.bool_), np.eye(4), errors.DataError, "bool"),
    (np.full((2, 40, 40), 4e4), np.eye(4), errors.DataError, "are not HU"),
    (np.full((2, 40, 40), np.nan), np.eye(4), errors.DataError, "are not HU"),
    (np.full((2, 40, 40), -1e3), np.eye(4), errors.GeometryError, "-300 HU"),
  ],
)
def test_what_is_no_ct_is_refused(trained, array, affine, error, text):
  given = volume.Volume.from_affine(array, affine)
  with pytest.raises(error, match=text):
    model.load_model(trained[0]).predict(given)


def test_oblique_axes_are_refused(trained):
  turn = np.eye(4)
  turn[:2, :2] = [[0.6, -0.8], [0.8, 0.6]]
  turn[0, 0], turn[2, 2], turn[2, 0], turn[0, 2] = 0, 0, 1, 0.3
  given = volume.Volume.from_affine(np.zeros((2, 40, 40), np.int16), turn)
  with pytest.raises(errors.GeometryError, match="oblique|singular"):
    model.load_model(trained[0]).predict(given)


def test_a_model_of_mr_scales_the_signal(run, folder, trained):
  facts = json.loads((folder / "model.json").read_text())
  assert facts["modality"] == "CT"
  facts["modality"] = "MR"
  (folder / "model.json").write_text(json.dumps(facts))
  image = Blobs().load(run.split.test[0]).image
  signal = image.with_array((image.array.astype(np.int32) + 1000) * 3)
  scaled = cohorts.scale_mr(signal)
  expected = jaxseg.load_model(trained[0]).predict(scaled)
  of_mr = jaxseg.load_model(folder)
  np.testing.assert_array_equal(of_mr.predict(signal).array, expected.array)
  with pytest.raises(errors.DataError, match="signal as it was measured"):
    of_mr.predict(scaled)
  with pytest.raises(errors.ConfigError, match="a model of MR, the first is"):
    jaxseg.load_model([trained[0], folder])
