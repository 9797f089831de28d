"""Damage to the store: every chunk that was written is there, and unchanged."""

import contextlib
import json
import shutil

import numpy as np
import pytest
import tensorstore

from jaxseg import data
from jaxseg import errors
from tests.cohort_double import Blobs


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
  """A store, and the same as older versions wrote it: no zeros, no sums."""
  folder = tmp_path_factory.mktemp("stores")
  new = data.write_store(
    folder / "new", Blobs(8), data.PrepareConfig(size=(32, 32))
  )
  old = folder / "old"
  shutil.copytree(new.folder, old)
  paths = [old / "images", old / "labels", *(old / "references").iterdir()]
  for path in paths:
    kept = {"driver": "file", "path": f"{path}/"}
    array = tensorstore.open({"driver": "zarr3", "kvstore": kept}).result()
    values, spec = array.read().result(), array.spec().to_json()
    shutil.rmtree(path)
    plain = {
      "shape": list(values.shape),
      "data_type": values.dtype.name,
      "codecs": [{"name": "bytes"}, {"name": "zstd"}],
      "chunk_grid": spec["metadata"]["chunk_grid"],
    }
    tensorstore.open(
      {"driver": "zarr3", "kvstore": kept, "metadata": plain}, create=True
    ).result().write(values).result()
  return folder


def everything(folder):
  """All that can be read of a store."""
  store = data.Store(folder)
  parts = [store.images(), *map(store.labels, store.structures)]
  for name in store.patients:
    parts += [store.reference(name, s).ravel() for s in store.structures]
  return [part.tobytes() for part in parts]


@pytest.fixture(params=["new", "old"])
def copy(request, healthy, tmp_path):
  shutil.copytree(healthy / request.param, tmp_path / "store")
  return tmp_path / "store"


CHUNKS = ("images/c/0/0/0", "labels/c/0/1/0/0", "references/00002/c/1/0/0/0")


def test_old_and_new_stores_say_the_same(healthy):
  assert everything(healthy / "old") == everything(healthy / "new")
  assert data.Store(healthy / "old").is_whole()
  gone = "references/00003/c/1/0/0/0"  # Patient p3 has no rod: all zeros.
  assert (healthy / "new" / gone).exists()
  assert not (healthy / "old" / gone).exists()


@pytest.mark.parametrize("name", CHUNKS)
def test_a_lost_chunk_is_named_and_never_zeros(copy, name):
  (copy / name).unlink()
  with pytest.raises(errors.DataError, match=f"{name}: the chunk is missing"):
    everything(copy)
  (copy / name).mkdir()  # Which TensorStore takes for nothing, too.
  with pytest.raises(errors.DataError, match=f"{name}: the chunk is missing"):
    everything(copy)


@pytest.mark.parametrize("name", CHUNKS)
def test_a_cut_chunk_is_named(copy, name):
  content = (copy / name).read_bytes()
  for length in (0, 3, len(content) - 1):
    (copy / name).write_bytes(content[:length])
    with pytest.raises(errors.DataError, match=name) as caught:
      everything(copy)
    assert "\n" not in str(caught.value)


def test_each_flipped_bit_is_found(healthy, tmp_path):
  shutil.copytree(healthy / "new", tmp_path / "store")
  before, draw = everything(tmp_path / "store"), np.random.default_rng(0)
  for name in (*CHUNKS, "manifest.json", "images/zarr.json"):
    path = tmp_path / "store" / name
    content = path.read_bytes()
    for _ in range(12):
      wrong = bytearray(content)
      wrong[draw.integers(len(wrong))] ^= 1 << int(draw.integers(8))
      path.write_bytes(wrong)
      with contextlib.suppress(errors.DataError):
        assert everything(tmp_path / "store") == before
        assert name.endswith("json")  # In a space, or a name.
    path.write_bytes(content)


def test_flipped_bits_of_older_stores_are_found(healthy, tmp_path):
  shutil.copytree(healthy / "old", tmp_path / "store")
  before, draw = everything(tmp_path / "store"), np.random.default_rng(0)
  for name in CHUNKS:
    path = tmp_path / "store" / name
    content = path.read_bytes()
    for _ in range(12):
      wrong = bytearray(content)
      wrong[draw.integers(len(wrong))] ^= 1 << int(draw.integers(8))
      path.write_bytes(wrong)
      with contextlib.suppress(errors.DataError):
        assert everything(tmp_path / "store") == before
    path.write_bytes(content)


@pytest.mark.parametrize(
  ("change", "text"),
  [
    ({"shape": [1, 32, 32]}, "shape is"),
    ({"data_type": "uint16"}, "data_type is uint16"),
    ({"fill_value": 7}, "fill_value is 7"),
    ({"codecs": [{"name": "crc64"}]}, "images"),
    ({"chunk_grid": {}}, "images"),
  ],
  ids=str,
)
def test_metadata_of_another_array_are_refused(copy, change, text):
  path = copy / "images" / "zarr.json"
  content = json.loads(path.read_text())
  path.write_text(json.dumps({**content, **change}))
  with pytest.raises(errors.DataError, match=text):
    everything(copy)


@pytest.mark.parametrize(
  "change",
  [
    {"patients": []}, {"patients": [3]}, {"cohort": {}}, {"settings": []},
    {"voxels": 3}, {"structures": "brain"}, {"needed_size": [1]},
    {"left_out": 3}, {"format": "1"},
  ],
  ids=str,
)  # fmt: skip
def test_a_manifest_of_other_kinds_is_one_line(copy, change):
  path = copy / "manifest.json"
  content = json.loads(path.read_text())
  path.write_text(json.dumps({**content, **change}))
  with pytest.raises(errors.DataError, match=r"store.*; ") as caught:
    everything(copy)
  assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
  "change",
  [
    {"stop": 3}, {"start": "0"}, {"spacing": [1, 2]}, {"affine": 3},
    {"placement": {}}, {"contoured": {"brain": [0]}}, {"contoured": []},
    {"unscanned": [99]}, {"name": "p1"}, {"outside": {"brain": -1}},
  ],
  ids=str,
)  # fmt: skip
def test_a_malformed_patient_is_one_line(copy, change):
  path = copy / "manifest.json"
  content = json.loads(path.read_text())
  content["patients"][0] |= change
  path.write_text(json.dumps(content))
  with pytest.raises(errors.DataError, match=r"manifest.json: .*; "):
    data.Store(copy)
