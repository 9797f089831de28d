"""`jaxseg convert`, in this process."""

import json

import numpy as np
import pytest

from jaxseg import cohorts
from tests.cli import command
from tests.cohorts import drawn


@pytest.fixture(scope="module")
def patients(tmp_path_factory):
  folder = tmp_path_factory.mktemp("convert")
  for name in ("P1", "P2"):
    drawn.patient(folder / "in", name)
  return folder / "in"


def test_there_and_back(patients, tmp_path):
  flags = (f"--input={patients}", "--output=nifti", "--workers=1")
  out = command.done("convert", *flags, folder=tmp_path)
  assert "2 of 2 cases converted into nifti." in out
  assert "left parotid" in out
  rows = command.rows(tmp_path / "nifti" / "audit.csv")
  assert [row["name"] for row in rows[:3]] == [f"'{n}'" for n in drawn.MASKS]
  assert {row["status"] for row in rows} == {"written"}
  out = command.done("convert", *flags, folder=tmp_path)
  assert "2 of 2 cases converted into nifti, 2 of them before." in out
  out = command.done(
    "convert", "--input=nifti", f"--image={patients}", "--output=rt",
    folder=tmp_path,
  )  # fmt: skip
  side = cohorts.open_side(tmp_path / "rt", beside=[patients])
  for case in side.cases:
    for name, mask in drawn.MASKS.items():
      found = side.open(case).contour(name).mask.array
      np.testing.assert_array_equal(found, mask)
  audit = json.loads((tmp_path / "rt" / "audit.json").read_text())
  assert audit["target"] == "rtstruct" and not audit["refused"]


def test_a_bad_case_is_told_and_does_not_stop_the_others(patients, tmp_path):
  drawn.labels(tmp_path / "maps" / "p1", drawn.CORD)
  drawn.labels(tmp_path / "maps" / "p7", drawn.CORD)
  out = command.done(
    "convert", "--input=maps", f"--image={patients}", folder=tmp_path
  )
  assert "Refused: 'p7': 'p7': " in out and "has no image of it" in out
  assert "1 of 2 cases converted into runs/convert." in out


def test_if_nothing_can_be_converted_it_says_why(patients, tmp_path):
  code, _, err = command.call(
    "convert", f"--input={patients}", "--structures=lips", folder=tmp_path
  )
  assert code == 2
  assert (
    "none of 2 cases could be converted; lips: none of them is there"
    in (err.splitlines()[-1])
  )


@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)])
def test_what_is_read_is_never_replaced(tmp_path, overwrite):
  drawn.patient(tmp_path / "in", "p1")
  drawn.labels(tmp_path / "maps" / "p1", drawn.CORD)
  before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
  for flags, said in (
    (["--input=in/p1"], "in holds the contours themselves (p1); name another"),
    (["--input=maps", "--image=in"], "in holds the images themselves (p1)"),
  ):
    given = (*flags, "--output=in", "--workers=1", *overwrite)
    line = command.refused("convert", *given, folder=tmp_path)
    assert f"--output: {said}" in line
  assert before == {p: p.read_bytes() for p in before}
  # A folder of its own may lie among the images, and be replaced there.
  given = ("--input=maps", "--image=in", "--output=in/rt", "--workers=1")
  for more in ((), ("--overwrite", "--to=seg")):
    out = command.done("convert", *given, *more, folder=tmp_path)
    assert "1 of 1 cases converted" in out


@pytest.mark.parametrize(
  ("flags", "said"),
  [
    (["--input=maps"], "--image: missing; masks become DICOM on the images"),
    (["--input=maps", "--to=nifti"], "--to=nifti: maps holds masks"),
    (["--input=maps", "--image=no"], "no: no such folder; check --image"),
    (["--input=maps", "--output=maps/x"], "lies within --input"),
    (["--input=maps", "--image=maps"], "holds no CT, MR or PET images"),
    (["--input=nowhere"], "nowhere: no file there ends in"),
    (
      ["--input=clash", "--image=REF"],
      "into one folder; rename one, or say which",
    ),
    (["--input=REF", "--workers=0"], "--workers: 0 is below 1"),
    (["--input=REF", "--repair=magic"], "repair: 'magic' is unknown"),
  ],
)
def test_bad_flags_end_in_one_line(patients, tmp_path, flags, said):
  drawn.labels(tmp_path / "maps" / "p1", drawn.CORD)
  for name in ("a b", "a-b"):
    drawn.labels(tmp_path / "clash" / name, drawn.CORD)
  given = [one.replace("REF", str(patients)) for one in flags]
  assert said in command.refused("convert", *given, folder=tmp_path)
