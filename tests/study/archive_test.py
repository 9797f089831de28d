"""Counts in a small file."""

import io

import numpy as np
import pytest

from jaxseg.study import _archive
from tests.study import made


@pytest.mark.parametrize("small", [True, False])
def test_numpy_reads_it_and_it_is_the_same_each_time(small):
  arrays = {"a": np.arange(5), "b": np.array(["x", "yz"]), "c": np.int64(2)}
  content = _archive.packed(arrays, small=small)
  with np.load(io.BytesIO(content), allow_pickle=False) as file:
    assert set(file.files) == set(arrays)
    for name, array in arrays.items():
      np.testing.assert_array_equal(file[name], array)
  assert content == _archive.packed(arrays, small=small)
  with pytest.raises(ValueError, match="Object arrays"):
    _archive.packed({"o": np.array([None])}, small=small)


def test_a_runs_counts_are_small(tmp_path):
  counts = made.model_counts()
  counts.write(tmp_path / "counts.npz")
  again = counts.read(tmp_path / "counts.npz")
  for scope, own in counts.scopes.items():
    np.testing.assert_array_equal(own.positive, again.scopes[scope].positive)
  # Scopes are much alike, and deflate does not see that far back.
  scopes = {"s": np.stack([own.negative for own in counts.scopes.values()] * 2)}
  big, small = (len(_archive.packed(scopes, small=s)) for s in (False, True))
  assert small < big / 1.5
