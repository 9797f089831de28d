"""From a CT folder to contours: exactly the voxels that memory has."""

import errno
import json
import shutil
import subprocess

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

import jaxseg
from jaxseg import dicom
from jaxseg import volume
from tests import cluster as clusters
from tests import deployed as made
from tests import quick_networks
from tests.cli import command

STRUCTURES = ("brain", "oral_cavity")
NAME = made.NAMES[2]


def flags(deployed, where, *more):
  return (f"--model={deployed / 'bundle'}", f"--input={where}", *more)


@pytest.fixture(scope="module")
def ct(deployed):
  return deployed / "files" / NAME / "ct"


@pytest.fixture(scope="module")
def predicted(deployed, ct, made_once):
  """All that is written, of one patient."""

  def make(folder):
    kinds = "--write=rtstruct,seg,nifti,maps,overlays"
    given = flags(deployed, ct, "--output=out", "--interval", kinds)
    out = command.done("predict", *given, folder=folder)
    assert "1 of 1 scans are predicted" in out

  return made_once("predicted", make) / "out" / NAME


@pytest.fixture(scope="module")
def expected(deployed, ct):
  """Structure -> (map, mask) as `jaxseg.load_model` gives them."""
  image = dicom.read_ct(ct)
  found = {}
  for name in STRUCTURES:
    model = jaxseg.load_model(deployed / "bundle", structure=name)
    assert not any(model.about["postprocess"][k] for k in ("largest", "holes"))
    maps = model.predict(image.hounsfield())
    found[name] = maps.array, model.cut(maps).array
    assert 0 < found[name][1].mean() < 0.9
  return found


def test_every_file_has_the_voxels_of_memory(ct, predicted, expected):
  image = dicom.read_ct(ct)
  contours = dicom.read_rtstruct(predicted / "rtstruct.dcm")
  masks = dicom.read_seg(predicted / "seg.dcm")
  for name, (maps, mask) in expected.items():
    roi = jaxseg.structures.get(name).tg263
    for found in (
      contours.mask(roi, image).array,
      masks.on(image, roi),
      read(predicted / "masks" / f"{name}.nii.gz", image) > 0,
    ):
      np.testing.assert_array_equal(found, mask)
    whole = read(predicted / "maps" / f"{name}.nii.gz", image)
    np.testing.assert_array_equal(whole, maps)
    coarse = dicom.read_seg(predicted / "maps" / f"{name}.dcm")
    assert coarse.kind == "FRACTIONAL"
    np.testing.assert_allclose(coarse.on(image, roi), maps, atol=0.5001 / 255)


def read(path, image):
  given = jaxseg.formats.read_image(path)
  return volume.reorder(given, image.grid).array


def test_contours_at_the_ends_of_the_interval(
  deployed, ct, predicted, expected
):
  image = dicom.read_ct(ct)
  contours = dicom.read_rtstruct(predicted / "rtstruct.dcm")
  model = jaxseg.load_model(deployed / "bundle", structure="brain")
  low, high = model.threshold.interval
  maps, _ = expected["brain"]
  for end, cut in (("^i", high), ("^o", low)):
    found = contours.mask(f"Brain{end}", image).array
    np.testing.assert_array_equal(found, maps >= np.float32(cut))
  assert set(contours.names) == {"Brain", "Brain^i", "Brain^o", "Cavity_Oral"}
  said = pydicom.dcmread(predicted / "rtstruct.dcm")
  about = {r.ROIName: r.ROIGenerationDescription
           for r in said.StructureSetROISequence}  # fmt: skip
  assert about["Brain^o"].startswith("outer: cut at ")
  assert f"{model.facts['digest']} cut at 0." in about["Brain"]


def test_the_result_traces_where_it_comes_from(deployed, predicted, expected):
  result = json.loads((predicted / "result.json").read_text())
  model = jaxseg.load_model(deployed / "bundle", structure="oral_cavity")
  row = result["structures"]["oral_cavity"]
  _, mask = expected["oral_cavity"]
  assert row["voxels"] == mask.sum()
  assert row["volume_ml"] == pytest.approx(mask.sum() * 4.6875**2 * 10 / 1000)
  assert row["threshold"] == model.threshold.threshold
  assert row["model"] == model.facts["digest"] and row["models"] == 2
  assert row["store"] == model.facts["store"]
  assert result["image"]["files"] == 26
  assert result["command"].startswith("jaxseg predict")
  assert set(result["files"]) == {
    path.relative_to(predicted).as_posix()
    for path in predicted.rglob("*")
    if path.is_file() and path.name != "result.json"
  }
  table = command.rows(predicted.parent / "results.csv")
  assert [one["structure"] for one in table] == list(STRUCTURES)


def test_other_programs_see_the_same(ct, predicted, expected, tmp_path):
  for path in (predicted / "rtstruct.dcm", predicted / "seg.dcm"):
    if shutil.which("dciodvfy") is None:
      pytest.skip("no dciodvfy: the DICOM validator is not installed")
    told = subprocess.run(
      ["dciodvfy", "-new", str(path)], capture_output=True, text=True
    )
    wrong = [line for line in told.stderr.splitlines() if "Error" in line]
    assert wrong == []
  if shutil.which("plastimatch") is None:
    pytest.skip("plastimatch (Debian package) is not installed")
  subprocess.run(
    ["plastimatch", "convert", "--input", str(predicted / "rtstruct.dcm"),
     "--referenced-ct", str(ct), "--output-prefix", str(tmp_path),
     "--prefix-format", "nrrd", "--xor-contours"],
    check=True, capture_output=True, timeout=120,
  )  # fmt: skip
  for name, (_, mask) in expected.items():
    roi = jaxseg.structures.get(name).tg263
    (path,) = tmp_path.glob(f"{roi}.nrrd")
    other = sitk.GetArrayFromImage(sitk.ReadImage(path)) > 0
    np.testing.assert_array_equal(other, mask)


def test_the_same_command_goes_on(deployed, tmp_path, monkeypatch, orphan):
  where = deployed / "files"
  given = flags(deployed, where, "--output=out", "--write=nifti,seg")
  from jaxseg.deploy import _write

  written, real = [], _write.dicom.write_seg

  def full(path, *args, **kwargs):
    written.append(path)
    if len(written) == 2:
      raise OSError(errno.ENOSPC, "No space left on device", str(path))
    return real(path, *args, **kwargs)

  monkeypatch.setattr(_write.dicom, "write_seg", full)
  line = command.refused("predict", *given, folder=tmp_path)
  assert "No space left on device; free space there" in line
  left = [path.name for path in (tmp_path / "out").iterdir()]
  assert left == [made.NAMES[0]]
  kept = (tmp_path / "out" / made.NAMES[0] / "result.json").stat()
  left = orphan(tmp_path / "out" / made.NAMES[0])
  out = command.done("predict", *given, folder=tmp_path)
  assert "3 of 3 scans are predicted, 1 of them before" in out
  again = (tmp_path / "out" / made.NAMES[0] / "result.json").stat()
  assert (again.st_mtime_ns, again.st_ino) == (kept.st_mtime_ns, kept.st_ino)
  assert not left.exists()
  # What was changed since is no result any more.
  mask = tmp_path / "out" / NAME / "masks" / "brain.nii.gz"
  content = bytearray(mask.read_bytes())
  content[-1] ^= 1
  mask.write_bytes(content)
  out = command.done("predict", *given, folder=tmp_path)
  assert f"Refused: {NAME}: " in out
  assert "masks/brain.nii.gz is not what was written; name another" in out
  # Settings that would give something else are refused, and replaced if asked.
  line = command.refused("predict", *given, "--threshold=0.5", folder=tmp_path)
  assert "was predicted with other settings" in line
  assert "--overwrite" in line
  more = ("--threshold=0.5", "--overwrite", f"--input={where / NAME}")
  command.done("predict", *given, *more, folder=tmp_path)
  content = json.loads((tmp_path / "out" / NAME / "result.json").read_text())
  assert content["structures"]["brain"]["threshold"] == 0.5
  assert content["structures"]["brain"]["threshold_from"] == "given"
  assert len(command.rows(tmp_path / "out" / "results.csv")) == 2


def test_a_scan_read_otherwise_is_predicted_anew(deployed, ct, tmp_path):
  given = flags(deployed, ct, "--output=out", "--write=nifti")
  # What needed no repair is the same with one.
  for more, before in (((), 0), (("--repair=spacing",), 1)):
    out = command.done("predict", *given, *more, folder=tmp_path)
    assert f"1 of 1 scans are predicted, {before} of them" in out or not before
  more = ("--acquisition=first", "--overwrite")
  command.done("predict", *given, *more, folder=tmp_path)
  for acquisition in ("last", "refuse"):
    more = f"--acquisition={acquisition}"
    line = command.refused("predict", *given, more, folder=tmp_path)
    assert "other settings (reading is" in line


def test_what_was_repaired_is_told(deployed, ct, tmp_path):
  scan = tmp_path / "scans" / NAME
  shutil.copytree(ct, scan)
  sorted(scan.iterdir())[2].unlink()
  given = flags(deployed, "scans", "--structure=brain", "--write=rtstruct")
  line = command.refused("predict", *given, folder=tmp_path)
  assert "--repair=spacing" in line
  more = ("--repair=spacing", "--output=scans/out")
  out = command.done("predict", *given, *more, folder=tmp_path)
  assert f"Note: {NAME}: resampled: 25 uneven slices" in out
  assert "Note: scans/out lies within --input; inspect, prep" in out


def test_a_bad_scan_does_not_stop_the_others(deployed, ct, tmp_path):
  place = tmp_path / "in"
  shutil.copytree(ct, place / "whole")
  one = sorted(ct.iterdir())[0]
  for name, change in (("slice", {}), ("mr", {"Modality": "MR"})):
    dataset = pydicom.dcmread(one)
    dataset.PatientID = f"only {name}"
    dataset.PatientName = name
    for tag in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID",
                "SOPInstanceUID"):  # fmt: skip
      setattr(dataset, tag, f"{dataset[tag].value}.{len(name)}")
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    if change:
      dataset.Modality = "MR"
      dataset.SOPClassUID = pydicom.uid.MRImageStorage
      dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    (place / name).mkdir()
    dataset.save_as(place / name / "a.dcm")
  given = flags(deployed, place, "--output=out", "--write=nifti")
  out = command.done("predict", *given, folder=tmp_path)
  assert "Refused: only-mr: has no CT series, but MR; the model reads CT" in out
  assert "Refused: only-slice: " in out and "has 1 slice; a scan of 3" in out
  assert "1 of 3 scans are predicted" in out
  refused = json.loads((tmp_path / "out" / "refused.json").read_text())
  assert set(refused) == {"only-mr", "only-slice"}
  assert not (tmp_path / "out" / "only-mr").exists()


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1)])
def test_an_image_file_of_any_axes(deployed, ct, expected, tmp_path, axes):
  image = dicom.read_ct(ct)
  affine = image.affine.copy()
  affine[:3, :3] = affine[:3, axes]
  ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
  turned = image.array.transpose(axes).astype(np.float32)
  path = tmp_path / "scan_0000.nii.gz"
  nibabel.save(nibabel.Nifti1Image(turned, ras), path)
  given = flags(deployed, path, "--output=out", "--structure=Brain")
  command.done("predict", *given, folder=tmp_path)
  found = nibabel.load(tmp_path / "out" / "scan" / "masks" / "brain.nii.gz")
  np.testing.assert_allclose(found.affine, ras, atol=1e-4)
  _, mask = expected["brain"]
  np.testing.assert_array_equal(
    np.asarray(found.dataobj) > 0, mask.transpose(axes)
  )
  assert not list((tmp_path / "out").rglob("*.dcm"))


def test_a_scan_unlike_the_training_is_remarked(deployed, ct, tmp_path):
  image = dicom.read_ct(ct)
  ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine
  half = ras.copy()
  half[:3, 1:3] /= 1.6  # As of a small child.
  ras_xyz = half[:, [2, 1, 0, 3]]
  array = image.array.transpose(2, 1, 0)
  nibabel.save(nibabel.Nifti1Image(array, ras_xyz), tmp_path / "small.nii")
  given = flags(deployed, tmp_path / "small.nii", "--output=out")
  out = command.done("predict", *given, folder=tmp_path)
  assert "Warning: small: oral_cavity: field of view 188 mm, in training" in out
  nibabel.save(
    nibabel.Nifti1Image(array + np.int16(1000), ras_xyz), tmp_path / "mr.nii"
  )
  given = flags(deployed, tmp_path / "mr.nii", "--output=out")
  line = command.refused("predict", *given, folder=tmp_path)
  assert "neither air nor fat" in line and "--anyway" in line
  assert not (tmp_path / "out" / "mr").exists()
  out = command.done("predict", *given, "--anyway", folder=tmp_path)
  assert "Warning: mr: has values from" in out


@pytest.mark.parametrize(
  ("more", "text"),
  [
    (("--input=nowhere",), "nowhere: no such file or folder"),
    (("--input=.",), "holds no scan (0 other files)"),
    (("--threshold=1.5",), "--threshold: 1.5 is not from 0 to 1"),
    (("--write=dose",), "--write: 'dose' is unknown"),
    (("--structure=liver",), "liver: no model of it is given"),
    (("--shard=3/2",), "shard '3/2'"),
    (("--workers=0",), "--workers: 0 is below 1"),
    (("--series=1.2.3",), "no CT series '1.2.3'"),
    (("--model=nowhere*",), "--model: nothing fits nowhere*"),
    (("--model=.",), "model.json: no such file"),
    (("--threshold=0.5", "--interval"), "--threshold, --interval: "),
    (("--per_case=best", "--interval"), "--per_case, --interval: "),
  ],
)
def test_refused_in_one_line(deployed, ct, tmp_path, more, text):
  given = flags(deployed, ct, *more)
  assert text in command.refused("predict", *given, folder=tmp_path)
  assert not list(tmp_path.rglob("*.*"))


def test_a_run_is_no_model(deployed, ct, tmp_path):
  given = (f"--model={deployed / 'run'}", f"--input={ct}")
  line = command.refused("predict", *given, folder=tmp_path)
  assert "is a run, not a model" in line and "jaxseg export" in line


def test_results_among_the_scans_are_no_scans(deployed, ct, tmp_path):
  image = dicom.read_ct(ct)
  ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine
  nibabel.save(nibabel.Nifti1Image(image.array, ras), tmp_path / "scan.nii")
  given = flags(deployed, tmp_path, "--structure=brain")
  more = ("--output=out", "--write=nifti,maps")
  command.done("predict", *given, *more, folder=tmp_path)
  out = command.done("predict", *given, *more, folder=tmp_path)
  assert "1 of 1 scans are predicted, 1 of them before" in out
  line = command.refused(
    "predict", *given, "--write=rtstruct,seg", folder=tmp_path
  )
  assert "is no DICOM, so there is neither rtstruct nor seg" in line


@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)])
def test_scans_are_never_replaced(deployed, ct, tmp_path, overwrite):
  scan = tmp_path / "scans" / NAME
  shutil.copytree(ct, scan)
  before = sorted(tmp_path.rglob("*"))
  for given in ("scans", f"scans/{NAME}"):
    line = command.refused(
      "predict", *flags(deployed, given, "--output=scans", *overwrite),
      folder=tmp_path,
    )  # fmt: skip
    assert f"--output: scans holds the scans themselves ({NAME}); name" in line
  assert sorted(tmp_path.rglob("*")) == before


def test_only_what_it_wrote_is_replaced(deployed, ct, tmp_path):
  given = flags(deployed, ct, "--output=out", "--write=nifti")
  theirs = tmp_path / "out" / NAME / "plan.dcm"
  theirs.parent.mkdir(parents=True)
  theirs.write_text("theirs")
  line = command.refused("predict", *given, "--overwrite", folder=tmp_path)
  assert f"{NAME}: exists and is not a result of predict; name" in line
  assert theirs.read_text() == "theirs"
  theirs.rename(tmp_path / "plan.dcm")
  theirs.parent.rmdir()
  command.done("predict", *given, folder=tmp_path)
  (tmp_path / "plan.dcm").rename(theirs)
  # What is the same is kept, whatever lies with it.
  command.done("predict", *given, folder=tmp_path)
  line = command.refused("predict", *given, "--overwrite", folder=tmp_path)
  assert "plan.dcm was not written by jaxseg and would be deleted" in line
  assert theirs.read_text() == "theirs"


def test_an_ensemble_of_a_run_wants_a_threshold(deployed, ct, tmp_path):
  pattern = deployed / "run" / "models" / "oral_cavity" / "bce" / "*"
  given = (f"--model={pattern}", f"--input={ct}", "--write=nifti")
  line = command.refused("predict", *given, folder=tmp_path)
  assert "oral_cavity has no threshold of its own" in line
  assert "give --threshold" in line


@pytest.mark.slow
def test_processes_and_shards_give_the_same(deployed, tmp_path):
  where = deployed / "files"
  given = flags(deployed, where, "--write=nifti")
  more = ("--output=b", "--workers=2")
  command.done("predict", *given, *more, folder=tmp_path)
  with quick_networks.compiled_as_users():  # As those two processes do.
    command.done("predict", *given, "--output=a", folder=tmp_path)
    for part in ("1/2", "2/2"):
      more = ("--output=c", f"--shard={part}")
      command.done("predict", *given, *more, folder=tmp_path)
  for other in ("b", "c"):
    for name in made.NAMES:
      one, two = (
        json.loads((tmp_path / k / name / "result.json").read_text())
        for k in ("a", other)
      )
      assert one["structures"] == two["structures"]
  assert len(command.rows(tmp_path / "c" / "results-1of2.csv")) == 4


@pytest.mark.slow
def test_a_cluster_gives_the_same(deployed, tmp_path):
  pytest.importorskip("distributed", reason="dask.distributed is not installed")
  folder = tmp_path / "cluster"
  folder.mkdir()
  cluster = clusters.Cluster(folder)
  given = flags(deployed, deployed / "files", "--write=rtstruct,nifti")
  try:
    address, _ = cluster.with_workers(2)
    # Its workers run in another folder than the command does.
    more = ("--output=there", f"--scheduler={address}")
    out = command.done("predict", *given, *more, folder=tmp_path)
    assert "3 of 3 scans are predicted" in out
    out = command.done("predict", *given, *more, folder=tmp_path)
    assert "3 of 3 scans are predicted, 3 of them before" in out
  finally:
    cluster.stop()
  with quick_networks.compiled_as_users():  # As the workers do.
    command.done("predict", *given, "--output=here", folder=tmp_path)
  for path in (tmp_path / "here").rglob("*.nii.gz"):
    there = tmp_path / "there" / path.relative_to(tmp_path / "here")
    one, two = (np.asarray(nibabel.load(p).dataobj) for p in (path, there))
    np.testing.assert_array_equal(one, two)
  assert len(list((tmp_path / "there").rglob("rtstruct.dcm"))) == 3
