"""What dead processes leave is swept up; what live ones write is not."""

import os
import pathlib
import subprocess
import sys

import pytest

from jaxseg import _files
from jaxseg import _unfinished
from jaxseg import errors
from tests.conftest import ROOT

# Begins a file and a folder, says so, and waits to be killed.
WRITER = """
import pathlib, sys, time
from jaxseg import _files, _unfinished
place = pathlib.Path(sys.argv[1])
with _files.new_folder(place / "run") as folder:
  (folder / "half").write_text("x")
  with _unfinished.file(place / "run.json"):
    print("ready", flush=True)
    time.sleep(600)
"""


def names(folder):
  return sorted(os.listdir(folder))


def test_what_a_killed_process_left_is_swept_up_and_not_before(tmp_path):
  process = subprocess.Popen(
    [sys.executable, "-c", WRITER, str(tmp_path)],
    env={**os.environ, "PYTHONPATH": str(ROOT)},
    stdout=subprocess.PIPE,
  )
  try:
    assert process.stdout.readline() == b"ready\n"
    assert len(names(tmp_path)) == 2
    assert all(name.startswith(".run") for name in names(tmp_path))
    with _files.new_folder(tmp_path / "other"):
      pass
    assert len(names(tmp_path)) == 3  # It is alive.
  finally:
    process.kill()
    process.communicate()
  with _files.new_folder(tmp_path / "run"):
    pass
  assert names(tmp_path) == ["other", "run"]


def test_of_earlier_versions_only_old_folders_of_the_same_name(tmp_path):
  for name in (".run.ab12_xyz", ".run.ab12_new", ".ssh.backup12", ".runs"):
    (tmp_path / name).mkdir()
    (tmp_path / name / "half").write_text("x")
  week = 7 * 24 * 3600
  for path in tmp_path.rglob("*"):
    if ".run.ab12_new" not in str(path):
      os.utime(path, (path.stat().st_mtime - week,) * 2)
  os.utime(tmp_path / ".run.ab12_new" / "half", (0, 0))
  with _files.new_folder(tmp_path / "run"):
    pass
  assert names(tmp_path) == [".run.ab12_new", ".runs", ".ssh.backup12", "run"]


def test_content_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
  done = []

  def fsync(handle):
    done.append(("flush", os.readlink(f"/proc/self/fd/{handle}")))

  def replace(old, new):
    done.append(("rename", str(new)))
    os.rename(old, new)

  monkeypatch.setattr(os, "fsync", fsync)
  monkeypatch.setattr(os, "replace", replace)
  _files.write_text(tmp_path / "a.txt", "x")
  with _files.new_folder(tmp_path / "b") as folder:
    for name in ("1", "2", "3"):
      (folder / name).write_text("x")
  with _files.new_file(tmp_path / "c.nii") as path:
    path.write_text("x")
  renames = [at for at, (kind, _) in enumerate(done) if kind == "rename"]
  for begin, at, flushed in zip(
    [0, *(r + 2 for r in renames)], renames, (1, 4, 1), strict=False
  ):
    assert at - begin == flushed, done
    assert done[at + 1] == ("flush", str(tmp_path))


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
  def full(_):
    raise OSError(28, "No space left on device")

  monkeypatch.setattr(os, "fsync", full)
  with pytest.raises(OSError, match="No space"):
    _files.write_text(tmp_path / "a", "x")
  with pytest.raises(OSError, match="No space"):
    with _files.new_folder(tmp_path / "b") as folder:
      (folder / "x").write_text("x")
  assert names(tmp_path) == []


def test_a_folder_that_came_meanwhile_is_kept_and_told(tmp_path):
  with pytest.raises(errors.ExistingOutputError, match="appeared while"):
    with _files.new_folder(tmp_path / "run"):
      (tmp_path / "run").mkdir()
      (tmp_path / "run" / "theirs").write_text("x")
  assert names(tmp_path / "run") == ["theirs"]
  assert names(tmp_path) == ["run"]


def test_long_names_can_be_written(tmp_path):
  _files.write_text(tmp_path / ("ä" * 120 + ".txt"), "x")
  assert len(names(tmp_path)) == 1


def test_a_file_system_without_locks_sweeps_nothing(tmp_path, monkeypatch):
  left = tmp_path / ".run.12345678.unfinished"
  left.mkdir()
  (left / "owner").write_text("")
  monkeypatch.setattr(_unfinished._flock, "take", lambda _: None)
  with _files.new_folder(tmp_path / "run"):
    pass
  assert left.exists()


@pytest.mark.parametrize("above", ["", "runs", "/a b"])
def test_an_error_names_nothing_that_is_unfinished(
  tmp_path, monkeypatch, above
):
  monkeypatch.chdir(tmp_path)
  place = (
    tmp_path / "a b" / "x" if above == "/a b" else pathlib.Path(above, "x")
  )
  said = f"{place}/rt.dcm: is bad; so is '{place}/seg.dcm' ({place})"
  with pytest.raises(errors.DataError) as caught:
    with _files.new_folder(place) as new:
      raise errors.DataError(said.replace(str(place), str(new)))
  assert str(caught.value) == said
  path = place.with_name("x.json")
  with pytest.raises(errors.DataError, match="damaged") as caught:
    with _unfinished.file(path) as new:
      raise errors.DataError(f"{new}: damaged")
  assert str(caught.value) == f"{path}: damaged"
