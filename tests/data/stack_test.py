"""Slices of a store read a part at a time, whatever its layout."""

import numpy as np
import pytest

from jaxseg import data
from jaxseg import errors
from jaxseg.data import _stack
from tests import old_store
from tests.cohort_double import Blobs


@pytest.fixture(scope="module")
def new(tmp_path_factory):
  folder = tmp_path_factory.mktemp("stack") / "store"
  return data.write_store(folder, Blobs(), data.PrepareConfig(size=(32, 32)))


@pytest.fixture(scope="module")
def old(new, tmp_path_factory):
  return old_store.copy(new, tmp_path_factory.mktemp("stack") / "old")


@pytest.mark.parametrize("name", ["new", "old"])
@pytest.mark.parametrize("structure", [None, "spinal_cord"])
def test_parts_are_the_whole(name, structure, request, monkeypatch):
  store = request.getfixturevalue(name)
  whole = store.images() if structure is None else store.labels(structure)
  stack = store.stack(structure)
  assert (stack.shape, stack.dtype) == (whole.shape, whole.dtype)
  assert stack.nbytes == whole.nbytes
  for size in (1, 64 * 32 * 32, 2**30):  # The least, one file, all of it.
    monkeypatch.setattr(_stack, "_PART_BYTES", size)
    parts = list(stack.parts())
    begins = np.cumsum([0, *(len(part) for _, part in parts)])
    assert [begin for begin, _ in parts] == begins[:-1].tolist()
    np.testing.assert_array_equal(
      np.concatenate([part for _, part in parts]), whole
    )
  assert len(parts) == 1


@pytest.mark.parametrize(("name", "together"), [("new", 1), ("old", 64)])
def test_slices_are_read_in_any_order(name, together, request):
  store = request.getfixturevalue(name)
  stack, whole = store.stack("brain"), store.labels("brain")
  index = np.random.default_rng(0).integers(0, len(whole), 40)
  first, other = stack.start(index), stack.start([5, 5, 0])
  np.testing.assert_array_equal(other.result(), whole[[5, 5, 0]])
  np.testing.assert_array_equal(first.result(), whole[index])
  assert stack.together == together


def test_a_file_that_is_lost_or_cut_is_named(new, tmp_path):
  store = old_store.copy(new, tmp_path / "s", layout=None)
  file = store.folder / "images" / "c" / "1" / "0" / "0"
  content = file.read_bytes()
  for damage in (lambda: file.write_bytes(content[:99]), file.unlink):
    damage()
    with pytest.raises(errors.DataError, match="images/c/1/0/0"):
      list(store.stack().parts())
    with pytest.raises(errors.DataError, match="images/c/1/0/0"):
      store.stack().start([70]).result()
  with pytest.raises(errors.StructureNotFoundError, match="larynx"):
    store.stack("larynx")
