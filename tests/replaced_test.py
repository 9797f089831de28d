"""What we wrote is written anew; what others put there is never deleted."""

import os

import pytest

from jaxseg import _digests
from jaxseg import _replaced
from jaxseg import _sealed
from jaxseg import errors

KIND = {"mark": "list.json", "what": "a thing of ours"}


def write(path, text):
  with _replaced.folder(path, **KIND) as new:
    (new / "masks").mkdir()
    (new / "masks" / "a").write_text(text)
    _sealed.write(new / "list.json", {"files": _digests.of_files(new)})


def test_ours_is_replaced_whole(tmp_path):
  write(tmp_path / "p1", "old")
  (tmp_path / "p1" / ".DS_Store").write_text("a desktop's")
  write(tmp_path / "p1", "new")
  assert (tmp_path / "p1" / "masks" / "a").read_text() == "new"
  assert os.listdir(tmp_path) == ["p1"]
  assert sorted(os.listdir(tmp_path / "p1")) == ["list.json", "masks"]


def test_a_failure_leaves_the_old_one(tmp_path):
  write(tmp_path / "p1", "old")
  with pytest.raises(errors.DataError, match="p1/masks is full"):
    with _replaced.folder(tmp_path / "p1", **KIND) as new:
      raise errors.DataError(f"{new}/masks is full")
  assert (tmp_path / "p1" / "masks" / "a").read_text() == "old"
  assert os.listdir(tmp_path) == ["p1"]


def test_a_folder_of_others_is_not(tmp_path):
  (tmp_path / "p1").mkdir()
  (tmp_path / "p1" / "plan.dcm").write_text("theirs")
  with pytest.raises(
    errors.ExistingOutputError,
    match="p1: exists and is not a thing of ours; name another --output",
  ):
    write(tmp_path / "p1", "new")
  assert (tmp_path / "p1" / "plan.dcm").read_text() == "theirs"


@pytest.mark.parametrize("name", ["approved.dcm", "masks/b"])
def test_nor_a_file_that_was_put_into_ours(tmp_path, name):
  write(tmp_path / "p1", "old")
  (tmp_path / "p1" / name).write_text("theirs")
  with pytest.raises(
    errors.ExistingOutputError,
    match=f"p1: {name} was not written by jaxseg and would be deleted",
  ):
    write(tmp_path / "p1", "new")
  assert (tmp_path / "p1" / name).read_text() == "theirs"
  assert (tmp_path / "p1" / "masks" / "a").read_text() == "old"


def test_what_appears_meanwhile_is_not(tmp_path):
  with pytest.raises(errors.ExistingOutputError, match="is not a thing of"):
    with _replaced.folder(tmp_path / "p1", **KIND):
      (tmp_path / "p1").mkdir()
      (tmp_path / "p1" / "plan.dcm").write_text("theirs")
  assert (tmp_path / "p1" / "plan.dcm").read_text() == "theirs"


def test_a_list_that_is_damaged_or_old_replaces_all(tmp_path):
  write(tmp_path / "p1", "old")
  for text in ("{", '{"format": 1}'):
    (tmp_path / "p1" / "list.json").write_text(text)
    write(tmp_path / "p1", "new")
  assert (tmp_path / "p1" / "masks" / "a").read_text() == "new"


def test_of_a_link_only_the_link_goes(tmp_path):
  write(tmp_path / "elsewhere", "old")
  (tmp_path / "p1").symlink_to("elsewhere")
  write(tmp_path / "p1", "new")
  assert (tmp_path / "p1" / "masks" / "a").read_text() == "new"
  assert (tmp_path / "elsewhere" / "masks" / "a").read_text() == "old"
