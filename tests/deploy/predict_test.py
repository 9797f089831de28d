"""Maps come back a few slices at a time, and are cut as in memory."""

import dataclasses
import shutil
import subprocess

import jax
import numpy as np
import pytest
from scipy import ndimage

import jaxseg
from jaxseg import _members
from jaxseg import _weights
from jaxseg import cohorts
from jaxseg import data
from jaxseg import dicom
from jaxseg import errors
from jaxseg import study
from jaxseg import volume
from jaxseg.deploy import _predict
from tests import deployed as made
from tests.cli import command


@pytest.fixture(scope="module")
def ready(deployed):
  scan = cohorts.find_scans(deployed / "files" / made.NAMES[2]).found[0]
  models = jaxseg.deploy.load_models([deployed / "bundle"])
  return _predict.read(scan, models), models


def test_slices_come_back_as_the_whole_does(ready):
  one, models = ready
  placed = models["brain"].predict_placed(one.of(models["brain"]))
  whole = placed.restore()
  peaks = placed.peaks()
  assert (whole.max((1, 2)) <= peaks + 1e-6).all()
  for cut in (0.0, 0.4, float(np.quantile(whole, 0.99))):
    found = np.zeros_like(whole)
    for first, last, part in _predict._slices(placed, len(whole), cut):
      np.testing.assert_array_equal(part, whole[first:last])
      found[first:last] = part
    np.testing.assert_array_equal(found >= cut, whole >= cut)


def test_the_threshold_that_cuts_everything(ready):
  one, models = ready
  found = _predict.predict(one, models["brain"], threshold=0.0)
  assert found.facts["voxels"] == np.prod(one.image.shape)
  found = _predict.predict(one, models["brain"], threshold=1.0)
  assert found.facts["voxels"] == 0 and found.facts["slices"] is None


@pytest.mark.parametrize("kind", ["uint8", "int8", "float16", "uint32"])
def test_values_of_any_kind_become_whole_hu(kind):
  highest = 100 if kind == "int8" else 200
  values = np.array([0, 7, highest], kind).reshape(1, 1, 3)
  if kind == "float16":
    values[0, 0, 2] = 65504  # Its steps there are wider than one.
  given = volume.Volume.from_affine(values, np.eye(4))
  found = _predict._whole(given, "CT").array
  assert found.dtype == np.int16
  last = 32767 if kind == "float16" else highest
  assert found.ravel().tolist() == [0, 7, last]


def test_cleaned_contours_stay_within_each_other(ready):
  one, models = ready
  found = _predict.predict(one, models["brain"], interval=True, clean="both")
  inner, mask, outer = (
    packed.unpack() for packed in (found.inner, found.mask, found.outer)
  )
  assert inner.any() and not (inner & ~mask).any()
  assert not (mask & ~outer).any()
  assert ndimage.label(mask, np.ones((3, 3, 3)))[1] == 1


def test_volumes_on_a_sheared_stack_are_of_its_voxels(ready):
  one, models = ready
  axes = one.turned.affine.copy()
  axes[1, 0] += 5.0
  grid = volume.Grid.from_affine(one.turned.shape, axes)
  aslant = volume.Volume(one.turned.array, grid)
  one = dataclasses.replace(one, image=aslant, turned=aslant)
  facts = _predict.predict(one, models["brain"], interval=True).facts
  assert facts["voxels"] > 0
  for name in ("volume_ml", "volume_ml_inner", "volume_ml_outer"):
    assert facts[name] / grid.voxel_ml == pytest.approx(
      round(facts[name] / grid.voxel_ml), abs=1e-6
    )
  assert facts["volume_ml"] == facts["voxels"] * grid.voxel_ml
  assert grid.voxel_ml < 0.99 * np.prod(grid.spacing) / 1000


def test_a_threshold_for_this_very_map(ready):
  one, models = ready
  mouth = models["oral_cavity"]
  whole = mouth.predict_placed(one.of(mouth)).restore()
  learnt = study.Chooser.from_json(mouth.about["choice"]["learnt"])
  voxel_ml = one.image.placed.voxel_ml
  for way in study.PER_CASE:
    found = _predict.predict(one, mouth, per_case=way)
    assert found.threshold == learnt.of_map(whole, way, voxel_ml=voxel_ml)
    assert found.facts["per_case"] == way
    np.testing.assert_array_equal(
      found.mask.unpack(), whole >= np.float32(found.threshold)
    )
  found = _predict.predict(one, mouth, per_case="best")
  better = mouth.about["choice"]["better"]
  assert found.facts["per_case"] == (better or "off")
  with pytest.raises(errors.ConfigError, match="has not learnt to choose"):
    _predict.predict(one, models["brain"], per_case="volume")


def test_a_scan_is_prepared_once_for_all_models(ready, monkeypatch):
  one, models = ready
  prepared = []
  real = data.prepare_image
  monkeypatch.setattr(
    data, "prepare_image", lambda *a: prepared.append(a) or real(*a)
  )
  _predict.read(one.scan, models)
  assert len(models) == 2 and len(prepared) == 1


def test_each_is_brought_to_the_pixels_of_its_own_training(ready, monkeypatch):
  """Whatever other structures are asked for with it."""
  one, models = ready[0], {}
  for mm, (name, model) in zip((8.0, 9.0), ready[1].items(), strict=True):
    known = model.about["training"]["measures"]
    monkeypatch.setitem(known, "pixel_mm", [mm, mm, mm])
    plain = [  # With a spacing they would keep to that.
      dataclasses.replace(
        member, prepare=dataclasses.replace(member.prepare, spacing=None)
      )
      for member in model.members
    ]
    models[name] = jaxseg.Model(plain, model.threshold, 1, model.about)
  both = _predict.read(one.scan, models)
  assert sum("brought to the" in r.text for r in both.remarks[""]) == 1
  for mm, (name, model) in zip((8.0, 9.0), models.items(), strict=True):
    alone = _predict.read(one.scan, {name: model}).of(model)
    ((_, images),) = both.of(model).values()
    np.testing.assert_array_equal(images, *(i for _, i in alone.values()))
    facts = _predict.predict(both, model).facts
    assert facts["brought_to_mm"] == mm


@pytest.mark.slow
def test_a_real_patient(openkbp, deployed, tmp_path):
  """OpenKBP has no DICOM; its CT is written as such by us."""
  real = cohorts.OpenKBP(openkbp)
  case = real.load(real.patients()[0])
  flipped = case.image.affine.copy()  # Its slices run from head to feet.
  flipped[:3, 3] += flipped[:3, 0] * (case.image.shape[0] - 1)
  flipped[:3, 0] *= -1
  image = volume.Volume.from_affine(
    np.ascontiguousarray(case.image.array[::-1]), flipped
  )
  dicom.write_ct(tmp_path / "ct", image, patient_id="P1")
  ct = dicom.read_ct(tmp_path / "ct")
  command.done(
    "predict", f"--model={deployed / 'bundle'}", f"--input={tmp_path / 'ct'}",
    "--output=out", "--anyway", folder=tmp_path,
  )  # fmt: skip
  out = tmp_path / "out" / "p1"
  contours = dicom.read_rtstruct(out / "rtstruct.dcm")
  for name in ("brain", "oral_cavity"):
    model = jaxseg.load_model(deployed / "bundle", structure=name)
    mask = model.cut(model.predict(case.image)).array[::-1]
    roi = jaxseg.structures.get(name).tg263
    back = contours.mask(roi, ct).array
    assert mask.any()
    np.testing.assert_array_equal(back, mask)
    reference = case.masks["mandible"][::-1]
    assert jaxseg.metrics.dice(back, reference) == jaxseg.metrics.dice(
      mask, reference
    )
  if shutil.which("dciodvfy") is not None:
    for name in ("rtstruct.dcm", "seg.dcm"):
      told = subprocess.run(
        ["dciodvfy", "-new", out / name], capture_output=True, text=True
      )
      assert len(told.stderr.splitlines()) <= 1  # What kind of object it is.
  rt_utils = pytest.importorskip("rt_utils", reason="no rt-utils")
  other = rt_utils.RTStructBuilder.create_from(
    dicom_series_path=str(tmp_path / "ct"),
    rt_struct_path=str(out / "rtstruct.dcm"),
  ).get_roi_mask_by_name("Brain")
  other = np.moveaxis(other, 2, 0)
  mask = contours.mask("Brain", ct).array
  # It rounds vertices and fills the border: up to a pixel more, never less.
  wider = ndimage.binary_dilation(mask, np.ones((1, 3, 3)))
  assert not (mask & ~other).any()
  assert not (other & ~wider).any()


def test_maps_do_not_depend_on_slices_at_once(ready, monkeypatch):
  one, models = ready
  (member,) = models["brain"].members
  ((_, images),) = one.prepared.values()
  whole = member.predict(images)
  monkeypatch.setattr(_members, "_PIXELS_ON_CPU", 1)
  # XLA's products of other sizes may round otherwise: without AVX-512 one of
  # these 26,624 values is the next float.
  np.testing.assert_allclose(member.predict(images), whole, rtol=0, atol=2e-7)


def test_weights_are_read_again_and_must_be_the_same(deployed, tmp_path):
  shutil.copytree(deployed / "bundle", tmp_path / "bundle")
  loaded = jaxseg.load_model(tmp_path / "bundle", structure="brain")
  images = np.random.default_rng(0).integers(-900, 900, (2, 32, 32), np.int16)
  before = loaded.predict_prepared(images)
  loaded.release()
  assert "variables" not in loaded.members[0].__dict__
  np.testing.assert_array_equal(loaded.predict_prepared(images), before)
  loaded.release()
  (member,) = loaded.members
  drawn = jax.tree.map(lambda leaf: leaf + 1, dict(member.variables))
  member.release()
  slot = member.folder / "checkpoints" / "best"
  shutil.rmtree(slot)
  _weights.save(slot, drawn, member.facts)
  with pytest.raises(errors.DataError, match="were replaced while"):
    loaded.predict_prepared(images)


def test_a_scan_without_its_values_gives_the_same(deployed, ready):
  one, models = ready
  bare = _predict.read(one.scan, models, values=False)
  assert not bare.image.array.any() and not bare.turned.array.any()
  found, expected = (
    _predict.predict(scan, models["brain"]) for scan in (bare, one)
  )
  assert found.facts == expected.facts
  np.testing.assert_array_equal(found.mask.unpack(), expected.mask.unpack())
