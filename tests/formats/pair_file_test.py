"""Pairs that a table says, and tables that say none."""

import contextlib
import json

import numpy as np
import pytest

from jaxseg import errors
from jaxseg import formats


@pytest.fixture
def folder(tmp_path):
  for name in ("p/x1.npy", "p/x2.npy", "r/anna.npy", "r/b, c.npy"):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    np.save(path, np.zeros((2, 2), np.float32))
  with contextlib.chdir(tmp_path):
    yield tmp_path


def names(pairing):
  return [
    (one.name, one.probabilities.name, one.reference.name)
    for one in pairing.pairs
  ]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_csv(folder, mark, end, encoding):
  rows = [
    ("Reference", "case", "age", "probabilities"),
    ("../r/anna.npy", "Müller", "70", "../p/x2.npy"),
    ('"../r/b, c.npy"', "", "", "../p/x1.npy"),
    ("", "", "", ""),
  ]
  (folder / "t").mkdir()
  path = folder / "t" / "pairs.csv"
  text = end.join(mark.join(row) for row in rows)
  path.write_bytes(text.encode(encoding))
  assert names(formats.read_pairs(path)) == [
    ("Müller", "x2.npy", "anna.npy"),
    ("x1", "x1.npy", "b, c.npy"),
  ]


def test_paths_in_the_working_folder_or_whole(folder):
  (folder / "t").mkdir()
  (folder / "t" / "a.csv").write_text(
    f"probabilities,reference\np/x1.npy,{folder}/r/anna.npy\n"
  )
  assert len(formats.read_pairs("t/a.csv")) == 1


def test_pairs_json_is_read_back(folder):
  (folder / "p" / "alone.npy").write_bytes(b"")
  (folder / "r" / "x1.npy").write_bytes((folder / "p/x1.npy").read_bytes())
  found = formats.pair("p", "r")
  (folder / "runs").mkdir()
  (folder / "runs" / "pairs.json").write_text(json.dumps(found.audit()))
  again = formats.read_pairs("runs/pairs.json")
  assert again == found
  assert again.audit() == found.audit()


def test_folders_tell_cases_apart_where_names_do_not(folder):
  for name in ("q/1/prob.npy", "q/2/prob.npy"):
    (folder / name).parent.mkdir(parents=True)
    np.save(folder / name, np.zeros((2, 2), np.float32))
  (folder / "a.csv").write_text(
    HEAD + "q/1/prob.npy,r/anna.npy\nq/2/prob.npy,r/anna.npy\n"
  )
  assert [name for name, *_ in names(formats.read_pairs("a.csv"))] == ["1", "2"]


def test_a_map_with_two_raters(folder):
  (folder / "a.csv").write_text(
    "case,probabilities,reference\nx-anna,p/x1.npy,r/anna.npy\n"
    'x-bert,p/x1.npy,"r/b, c.npy"\n'
  )
  assert [name for name, *_ in names(formats.read_pairs("a.csv"))] == [
    "x-anna", "x-bert",
  ]  # fmt: skip


HEAD = "probabilities,reference\n"


@pytest.mark.parametrize(
  ("text", "said"),
  [
    ("", "its first line is ''; name there the columns"),
    ("map,mask\np/x1.npy,r/anna.npy\n", "first line is 'map,mask'"),
    ("p/x1.npy,r/anna.npy\n", "name there the columns"),
    (HEAD, "names no pairs"),
    (HEAD + "p/x1.npy\n", "line 2: has 1 columns, the first line 2"),
    (HEAD + "p/x1.npy,\n", "line 2: names no reference"),
    (HEAD + "p/x1.npy,r/none.npy\n", "reference 'r/none.npy' is no file"),
    (HEAD + "p/x1.npy,r\n", "reference 'r' is no file"),
    (HEAD + "p/x1.npy,p/x1.npy\n", "is map and reference"),
    (HEAD + 2 * "p/x1.npy,r/anna.npy\n", "line 3: a second case"),
    (HEAD + "p/x1.npy,a.csv\n", "a.csv: unknown file format"),
    (HEAD + "p/x1.npy," + 999 * "x" + "\n", "is no file"),
    (HEAD + "p/x1.npy,a\0b\n", "a.csv"),
  ],
)
def test_refused(folder, text, said):
  (folder / "a.csv").write_text(text)
  with pytest.raises(errors.DataError) as raised:
    formats.read_pairs("a.csv")
  assert said in str(raised.value)
  assert str(raised.value).isprintable()


def test_what_is_no_table(folder):
  (folder / "a.json").write_text('{"pairs": []}')
  (folder / "b.csv").write_bytes(b"\xff\xfe\x00p")
  for name, said in (
    ("a.json", "no list of rows"),
    ("b.csv", "UTF-8"),
    ("c.csv", "no such file"),
    ("p", "no such file"),
  ):
    with pytest.raises(errors.DataError, match=said):
      formats.read_pairs(name)


def test_two_files_of_one_relative_name(folder):
  (folder / "t" / "p").mkdir(parents=True)
  (folder / "t" / "p" / "x1.npy").write_bytes(b"")
  (folder / "t" / "a.csv").write_text(HEAD + "p/x1.npy,r/anna.npy\n")
  with pytest.raises(errors.DataError, match="give the whole path"):
    formats.read_pairs("t/a.csv")
