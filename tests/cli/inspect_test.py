"""`jaxseg phantom` and `inspect`, and training on what was found."""

import json
import re
import shutil

import pydicom

from tests.cli import command


def test_all_of_the_phantom_is_found(tmp_path):
  flags = ("--patients=2", "--grid=48", "--output=made")
  out = command.done("phantom", *flags, folder=tmp_path)
  assert "Written: made" in out
  assert "inspect made" in out
  out = command.done("inspect", "made", folder=tmp_path)
  assert "2 of 2 patients can be used" in out
  audit = json.loads((tmp_path / "runs/inspect/audit.json").read_text())
  assert len(audit["patients"]) == 2
  assert audit["command"].endswith("inspect made")
  table = command.rows(tmp_path / "runs" / "inspect" / "audit.csv")
  assert {row["status"] for row in table} == {"matched"}
  assert float(table[0]["ml"]) > 1


def test_train_leaves_a_broken_patient_out(prepared_once, tmp_path):
  shutil.copytree(prepared_once / "runs/phantom-dicom", tmp_path / "made")
  (tmp_path / "made/phantom_003/ct/0020.dcm").unlink()
  (tmp_path / "made/others.zip").write_bytes(b"PK")
  path = tmp_path / "made/phantom_005/rtstruct.dcm"
  dataset = pydicom.dcmread(path)
  for item in dataset.ROIContourSequence[0].ContourSequence:
    item.ContourData = item.ContourData[1:]
  dataset.save_as(path)
  dicom = ("--cohort=dicom_folder", "--input=made", "--output=run")
  out = command.done(
    "train",
    *dicom,
    "--structure=brain",
    "--recipe=quick",
    *command.PREPARED,
    *command.NETWORK,
    folder=tmp_path,
  )
  assert "left out phantom_003" in out
  assert "others.zip" in out
  assert "contours are malformed" in re.sub(r"[\s│]+", " ", out)
  assert (tmp_path / "run/models/brain/bce/0/threshold.json").is_file()
  # How the files are read is a part of what the run is.
  command.done("prepare", *dicom, folder=tmp_path)
  line = command.refused("prepare", *dicom, "--combine=union", folder=tmp_path)
  assert "settings is" in line
  line = command.refused(
    "prepare", "--output=run", "--combine=union", folder=tmp_path
  )
  assert "--input: missing" in line


def test_it_ends_with_2_where_nothing_can_be_used(dicom_data, tmp_path):
  case = dicom_data / "sts" / "STS_006_MR_T1"
  code, out, err = command.call("inspect", str(case), folder=tmp_path)
  assert code == 2
  assert "no CT series" in out
  assert err.strip().splitlines()[-1].endswith("the table above says why")


def test_what_cannot_be_prepared_says_who_was_left_out(dicom_data, tmp_path):
  flags = ("--cohort=dicom_folder", f"--input={dicom_data / 'seg'}")
  code, out, err = command.call("prepare", *flags, folder=tmp_path)
  assert code == 2 and "a split needs" in err
  assert "dicom_folder: 2 patients, 2 left out" in out
  assert "true_fractional.dcm: is fractional" in out.replace("\n", "")


def test_it_reads_the_users_names(dicom_data, tmp_path):
  (tmp_path / "names.json").write_text('{"Lt Lung": "brain", "BODY": "lips"}')
  case = dicom_data / "rtstruct" / "dicompyler-core"
  command.done("inspect", str(case), "--aliases=names.json", folder=tmp_path)
  (row,) = [
    row
    for row in command.rows(tmp_path / "runs" / "inspect" / "audit.csv")
    if row["structure"] == "lips"
  ]
  assert row["name"] == "'BODY'"
  assert row["status"] == "matched"


def test_bad_flags_and_input_are_one_line_and_2(tmp_path):
  (tmp_path / "thesis").mkdir()
  (tmp_path / "thesis" / "a.txt").write_text("years of work")
  for name, flags, text in (
    ("inspect", (), "FOLDER is missing"),
    ("inspect", ("a", "b"), "unexpected argument"),
    ("inspect", ("nowhere",), "nowhere: no such folder"),
    ("inspect", ("thesis",), "holds no DICOM files"),
    ("inspect", ("thesis", "--aliases=no.json"), "no.json"),
    ("phantom", ("--output=thesis",), "thesis: not empty and no phantom"),
    ("phantom", ("--slice_mm=fast",), "--slice_mm=fast"),
  ):
    assert text in command.refused(name, *flags, folder=tmp_path), (name, flags)
  assert [p.name for p in (tmp_path / "thesis").iterdir()] == ["a.txt"]
  assert [p.name for p in tmp_path.iterdir()] == ["thesis"]
