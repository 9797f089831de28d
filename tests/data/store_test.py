"""The store gives back what the cohort had, and says where it lies."""

import dataclasses
import json

import numpy as np
import pytest

from jaxseg import data
from jaxseg import errors
from jaxseg import volume
from tests.cohort_double import Blobs


@pytest.fixture(scope="module")
def store(tmp_path_factory):
  folder = tmp_path_factory.mktemp("store") / "store"
  return data.write_store(
    folder, Blobs(), data.PrepareConfig(size=(32, 32)), on_patient=None
  )


def test_images_and_labels_are_crops_of_the_patients(store):
  cohort, images = Blobs(), store.images()
  assert images.dtype == np.int16
  for name, entry in store.patients.items():
    case = cohort.load(name)
    own = entry.placement.restore(images[entry.start : entry.stop], fill=-1000)
    inside = entry.placement.restore(
      np.ones((entry.slices, 32, 32), np.bool_), fill=False
    )
    np.testing.assert_array_equal(own[inside], case.image.array[inside])
    np.testing.assert_array_equal(
      store.image(name), images[entry.start : entry.stop]
    )
    for structure in case.masks:
      labels = store.labels(structure)[entry.start : entry.stop]
      back = entry.placement.restore(labels) > 0
      np.testing.assert_array_equal(back, case.masks[structure] & inside)
      assert entry.outside[structure] == np.sum(case.masks[structure] & ~inside)


def test_references_are_the_contours_as_drawn(store):
  case = Blobs().load("p5")
  for structure, mask in case.masks.items():
    np.testing.assert_array_equal(store.reference("p5", structure), mask)


def test_not_contoured_is_not_absent(store):
  assert "spinal_cord" not in store.patients["p3"].contoured
  assert "p3" not in store.contoured("spinal_cord")
  assert "p3" in store.contoured("brain")


def test_geometry_is_kept(store):
  entry = store.patients["p0"]
  assert entry.spacing == (3.0, 2.0, 2.0)
  np.testing.assert_array_equal(
    np.array(entry.affine), Blobs().load("p0").image.affine
  )
  assert entry.unscanned == (0,)
  assert not entry.scanned[0]
  assert entry.scanned[1:].all()


def test_the_hash_follows_content_and_settings(tmp_path, store):
  again = data.write_store(
    tmp_path / "same", Blobs(), data.PrepareConfig(size=(32, 32))
  )
  assert again.content_hash == store.content_hash
  for name, cohort, size in (
    ("seed", Blobs(seed=1), (32, 32)),
    ("size", Blobs(), (32, 48)),
  ):
    other = data.write_store(
      tmp_path / name, cohort, data.PrepareConfig(size=size)
    )
    assert other.content_hash != store.content_hash


def test_resampled_scores_are_on_the_patients_own_grid(tmp_path):
  store = data.write_store(
    tmp_path / "s", Blobs(3), data.PrepareConfig(size=(32, 32), spacing=3.0)
  )
  entry = store.patients["p0"]
  labels = store.labels("brain")[entry.start : entry.stop]
  back = entry.placement.restore(labels) >= 0.5
  reference = store.reference("p0", "brain")
  assert back.shape == reference.shape
  dice = 2 * (back & reference).sum() / (back.sum() + reference.sum())
  assert dice > 0.85


def test_structures_can_be_chosen(tmp_path):
  store = data.write_store(
    tmp_path / "s",
    Blobs(3),
    data.PrepareConfig(size=(32, 32), structures=("spinal_cord",)),
  )
  assert store.structures == ("spinal_cord",)
  with pytest.raises(errors.StructureNotFoundError, match="spinal_cord"):
    store.labels("brain")
  with pytest.raises(errors.StructureNotFoundError, match="larynx"):
    data.write_store(
      tmp_path / "t",
      Blobs(3),
      data.PrepareConfig(structures=("larynx",)),
    )
  assert not (tmp_path / "t").exists()


def test_what_is_there_is_not_overwritten(tmp_path, store):
  with pytest.raises(errors.ExistingOutputError, match="exists"):
    data.write_store(store.folder, Blobs(), data.PrepareConfig())


def test_an_interrupted_preparation_leaves_nothing(tmp_path):
  class Broken(Blobs):
    def load(self, patient):
      if patient == "p2":
        raise errors.DataError("p2/ct.csv: torn; replace it")
      return super().load(patient)

  with pytest.raises(errors.DataError, match="torn"):
    data.write_store(tmp_path / "s", Broken(), data.PrepareConfig())
  assert list(tmp_path.iterdir()) == []


def test_damaged_stores_are_named(tmp_path, store):
  with pytest.raises(errors.DataError, match="no such file"):
    data.Store(tmp_path)
  manifest = json.loads((store.folder / "manifest.json").read_text())
  (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "format": 9}))
  with pytest.raises(errors.DataError, match="format 9"):
    data.Store(tmp_path)
  del manifest["patients"]
  (tmp_path / "manifest.json").write_text(json.dumps(manifest))
  with pytest.raises(errors.DataError, match="patients"):
    data.Store(tmp_path)


@pytest.mark.parametrize(
  "settings",
  [{"size": (8, 32)}, {"spacing": 0.0}, {"crop": (0.5, 0.2)}],
)
def test_impossible_settings_are_refused(settings):
  with pytest.raises(errors.ConfigError):
    data.PrepareConfig(**settings)


def test_patients_of_different_grids_cannot_share_a_fractional_crop(tmp_path):
  class Mixed(Blobs):
    def load(self, patient):
      return Blobs(grid=48 if patient == "p0" else 64).load(patient)

  with pytest.raises(errors.DataError, match=r"p1: the crop has \(32, 32\)"):
    data.write_store(
      tmp_path / "s", Mixed(2), data.PrepareConfig(crop=(0.25, 0.75))
    )


def test_a_store_above_the_current_folder_is_found(store, monkeypatch):
  below = store.folder / "below"
  below.mkdir()
  monkeypatch.chdir(below)
  found = data.Store("..")
  np.testing.assert_array_equal(found.images(), store.images())


def test_a_sheared_voxel_is_smaller_than_its_edges(store):
  entry = next(iter(store.patients.values()))
  grid = volume.Grid.from_affine(entry.placement.shape, entry.affine)
  assert entry.voxel_ml == pytest.approx(grid.voxel_ml, rel=1e-12)
  axes = np.array(entry.affine)
  axes[1, 0] += 3.0  # Slices shifted against each other.
  aslant = dataclasses.replace(entry, affine=tuple(map(tuple, axes)))
  grid = volume.Grid.from_affine(entry.placement.shape, axes)
  assert aslant.voxel_ml == pytest.approx(grid.voxel_ml, rel=1e-12)
  assert aslant.voxel_ml < 0.99 * np.prod(grid.spacing) / 1000
