"""Patients prepared in several processes: the same store, the same errors."""

import hashlib
import pickle

import pytest

from jaxseg import data
from jaxseg import errors
from jaxseg import parallel
from tests.cohort_double import Blobs
from tests.cohort_double import Torn

CONFIG = data.PrepareConfig(size=(32, 32))


@pytest.fixture
def at_once(monkeypatch):
  """Processes start after the first patient, however quick they are."""
  monkeypatch.setattr(parallel, "_START_S", 1e-9)


def files(folder):
  return {
    path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes())
    for path in folder.rglob("*")
    if path.is_file()
  }


def test_the_same_bytes_and_the_same_errors(tmp_path, at_once):
  told = {}
  for name, workers in (("one", 1), ("two", 2)):
    seen = []
    store = data.write_store(
      tmp_path / name,
      Torn(bad=("p2", "p5"), patients=8),
      CONFIG,
      skip_bad=True,
      workers=workers,
      on_patient=lambda *said, seen=seen: seen.append(said),
    )
    assert seen == [(f"p{k}", k + 1, 8) for k in range(8)]
    found = files(store.folder)
    told[name] = {path: one.hexdigest() for path, one in found.items()}
    assert list(store.patients) == ["p0", "p1", "p3", "p4", "p6", "p7"]
    assert store.left_out == {
      name: f"{name}/ct.csv: torn; replace it" for name in ("p2", "p5")
    }
    # The first bad one of the cohort, whichever was ready first.
    with pytest.raises(errors.DataError, match=r"^p2/ct\.csv: torn"):
      data.write_store(
        tmp_path / "bad",
        Torn(bad=("p2", "p3"), patients=8),
        CONFIG,
        workers=workers,
      )
    assert not (tmp_path / "bad").exists()
  assert told["one"] == told["two"]
  fitted = [data.fit(Blobs(5), CONFIG, workers=number) for number in (1, 2)]
  assert fitted[0] == fitted[1]


def test_a_cohort_that_cannot_travel_says_so(tmp_path):
  class Own(Blobs):
    pass

  with pytest.raises(errors.ConfigError, match="--workers=1"):
    data.write_store(tmp_path / "s", Own(3), CONFIG, workers=2)
  data.write_store(tmp_path / "s", Own(3), CONFIG, workers=1)


def test_every_error_of_ours_travels():
  kinds = [errors.JaxsegError]
  for kind in kinds:
    kinds += [one for one in kind.__subclasses__() if one not in kinds]
  assert len(kinds) > 5
  for kind in kinds:
    if not kind.__module__.startswith("jaxseg"):
      continue
    back = pickle.loads(pickle.dumps(kind("p1: torn; replace it")))
    assert (type(back), str(back)) == (kind, "p1: torn; replace it")
