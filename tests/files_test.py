"""Files appear whole or not at all."""

import os
import stat

import pytest

from jaxseg import _files
from jaxseg import errors


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
  path = tmp_path / "a.json"
  _files.write_json(path, {"old": 1})

  def fail(*_):
    raise OSError("disk full")

  monkeypatch.setattr(os, "replace", fail)
  with pytest.raises(OSError, match="disk full"):
    _files.write_json(path, {"new": 2})
  assert _files.read_json(path) == {"old": 1}
  assert os.listdir(tmp_path) == ["a.json"]


def test_a_failed_folder_does_not_appear(tmp_path):
  with pytest.raises(RuntimeError):
    with _files.new_folder(tmp_path / "out") as folder:
      (folder / "half").write_text("x")
      raise RuntimeError
  assert os.listdir(tmp_path) == []


def test_a_folder_appears_when_it_is_whole(tmp_path):
  with _files.new_folder(tmp_path / "out") as folder:
    (folder / "a").write_text("x")
    assert not (tmp_path / "out").exists()
  assert (tmp_path / "out" / "a").read_text() == "x"


def test_files_have_the_permissions_of_any_new_file(tmp_path):
  _files.write_text(tmp_path / "ours", "x")
  (tmp_path / "plain").write_text("x")
  ours, plain = ((tmp_path / n).stat().st_mode for n in ("ours", "plain"))
  assert stat.S_IMODE(ours) == stat.S_IMODE(plain)


def test_damaged_json_is_named(tmp_path):
  (tmp_path / "a.json").write_text("{")
  with pytest.raises(errors.DataError, match=r"a\.json"):
    _files.read_json(tmp_path / "a.json")
  with pytest.raises(errors.DataError, match=r"b\.json: no such file"):
    _files.read_json(tmp_path / "b.json")


def test_digest_does_not_depend_on_the_order_of_keys():
  assert _files.digest({"a": 1, "b": 2}) == _files.digest({"b": 2, "a": 1})
  assert _files.digest({"a": 1}) != _files.digest({"a": 2})
