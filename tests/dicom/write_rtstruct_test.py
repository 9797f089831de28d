"""RTSTRUCT written: valid by the standard, and masks come back to the voxel."""

import dataclasses
import datetime
import shutil
import subprocess

from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import numpy as np
import pydicom
from pydicom import uid as uids
import pytest
import SimpleITK as sitk

import jaxseg
from jaxseg import _unfinished
from jaxseg import dicom
from jaxseg import errors
from jaxseg.dicom import RtStructure
from jaxseg.dicom import write_rtstruct
from tests.dicom.ct_double import ct_series

OBLIQUE = (0.9541666, -0.2080757, 0.2151061, 0.2785886, 0.880128, -0.3843997)
NOW = datetime.datetime(2024, 2, 29, 13, 14, 15, 999)
BOTH = pytest.mark.parametrize("holes", ["separate", "keyhole"])


def shifted(along, across):
  """A change that moves slices: by `along` for one, by `across` for each."""

  def change(dataset, index):
    position = np.array(dataset.ImagePositionPatient, float)
    position += [0, across * index, along * (index == 2)]
    dataset.ImagePositionPatient = [round(float(v), 6) for v in position]

  return change


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  return tmp_path_factory.mktemp("rtstruct")


@pytest.fixture(scope="module")
def ct(folder):
  ct_series(folder / "ct")
  return dicom.read_ct(folder / "ct")


@pytest.fixture(scope="module")
def images(folder, ct):
  """Series of every kind of geometry, 3 x 6 x 7."""
  made = []
  for number, (series, read) in enumerate([
      ({}, {}),
      ({"iop": OBLIQUE, "spacing": (2.5, 0.7, 1.3)}, {}),
      ({"iop": (0, 1, 0, 0, 0, -1), "ipp": (1234.56789, -3, 7e4)}, {}),
      ({"iop": OBLIQUE, "change": shifted(0, 0.9)}, {"tilt": "shear"}),
      ({"change": shifted(1.1, 0)}, {"spacing": "keep"}),
      ({"spacing": (0.05, 0.01, 0.02)}, {}),
  ]):  # fmt: skip
    where = folder / f"geometry {number}"
    ct_series(where, shape=(3, 6, 7), **series)
    made.append(dicom.read_ct(where, **read))
  return made


def blob(image, *, hole=True):
  """A ball with a hole, an island in the hole, and a single voxel."""
  k, i, j = np.indices(image.shape)
  middle = [(n - 1) / 2 for n in image.shape]
  off = np.sqrt(
    ((k - middle[0]) / image.shape[0]) ** 2
    + ((i - middle[1]) / image.shape[1]) ** 2
    + ((j - middle[2]) / image.shape[2]) ** 2
  )
  mask = off < 0.45
  if hole:
    mask &= ~((off < 0.3) & (off > 0.12))
  mask[0, 0, 0] = True
  return mask


def circle(image, index, radius=4.0, points=50):
  angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
  row, column = image.shape[1] / 2, image.shape[2] / 2
  return image.grid.lps(
    index,
    np.stack(
      [row + radius * np.sin(angle), column + radius * np.cos(angle)], axis=1
    ),
  )


def dciodvfy(path):
  """The complaints of dicom3tools' validator."""
  program = shutil.which("dciodvfy")
  if program is None:
    pytest.skip("no dciodvfy: the DICOM validator is not installed")
  done = subprocess.run([program, path], capture_output=True, text=True)
  lines = done.stderr.splitlines()
  assert "RTStructureSet" in lines
  return [line for line in lines if line.startswith(("Error", "Warning"))]


@BOTH
@settings(max_examples=80, deadline=None)
@given(mask=hnp.arrays(np.bool_, (3, 6, 7)), which=st.integers(0, 5))
def test_any_mask_comes_back(folder, images, holes, mask, which):
  image = images[which]
  path = folder / f"any {holes}.dcm"
  write_rtstruct(path, {"a": mask}, image, holes=holes, overwrite=True)
  back = dicom.read_rtstruct(path).mask("a", image)
  np.testing.assert_array_equal(back.array, mask)
  found = {note.code for note in back.notes} - {"empty-between", "outside"}
  assert found == (set() if mask.any() else {"empty-mask"})


@BOTH
def test_awkward_masks_come_back(folder, images, holes):
  for number, image in enumerate(images):
    k, i, j = np.indices(image.shape)
    masks = {
      "full": np.ones(image.shape, np.bool_),
      "checkerboard": (i + j) % 2 == 0,
      "rings": np.maximum(abs(i - 2.5), abs(j - 3)) % 2 < 1,
      "comb": (i == 0) | (j % 2 == 0),
      "corner": (i == 5) & (j == 6) & (k == 2),
    }
    path = folder / f"awkward {holes} {number}"
    write_rtstruct(path, masks, image, holes=holes)
    back = dicom.read_rtstruct(path).masks(image)
    assert back.refused == {} and list(back) == list(masks)
    for name, mask in masks.items():
      np.testing.assert_array_equal(back[name], mask, err_msg=name)


def test_what_is_read_back(folder, ct):
  path = write_rtstruct(
    folder / "new" / "deep" / "set.dcm",
    {
      "spinal_cord": blob(ct),
      "gtv": [circle(ct, 2)],
      "Überall": RtStructure(
        polygons=[circle(ct, 0), circle(ct, 1)],
        color=(9, 8, 7),
        interpreted_type="EXTERNAL",
        description="unet, t = 0.5",
      ),
      "nothing": np.zeros(ct.shape, np.bool_),
    },
    ct,
    label="plan 7",
    now=NOW,
  )
  back = dicom.read_rtstruct(path)
  assert back.names == ("SpinalCord", "GTV", "Überall", "nothing")
  assert (back.label, back.date, back.time) == ("plan 7", "20240229", "131415")
  assert back.study_uid == ct.study_uid and back.patient_id == "P0"
  assert back.frames_of_reference == (ct.frame_of_reference_uid,)
  assert back.referenced_series == (ct.series_uid,)
  assert back.notes == () and [roi.notes for roi in back.rois] == [()] * 4
  assert [roi.number for roi in back.rois] == [1, 2, 3, 4]
  roi = back["Überall"]
  assert (roi.color, roi.interpreted_type) == ((9, 8, 7), "EXTERNAL")
  assert roi.description == "unet, t = 0.5"
  assert roi.generation_algorithm == "AUTOMATIC"
  assert [one.images for one in roi.contours] == [
    (ct.instances[0],), (ct.instances[1],)
  ]  # fmt: skip
  np.testing.assert_allclose(
    roi.contours[1].points, circle(ct, 1), rtol=0, atol=5.0001e-5
  )
  assert back["nothing"].contours == ()
  assert not back.mask("nothing", ct).array.any()


def test_attributes_of_the_file(folder, ct):
  path = write_rtstruct(folder / "attributes.dcm", {"a": blob(ct)}, ct, now=NOW)
  written = pydicom.dcmread(path)
  source = ct.header
  for keyword in (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate",
    "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName",
    "StudyInstanceUID", "FrameOfReferenceUID",
  ):  # fmt: skip
    assert written[keyword].value == source[keyword].value, keyword
  assert "StudyDescription" not in written
  assert "SpecificCharacterSet" not in written
  assert written.SOPClassUID == uids.RTStructureSetStorage
  assert written.Modality == "RTSTRUCT"
  assert written.ApprovalStatus == "UNAPPROVED"
  assert written.Manufacturer == written.ManufacturerModelName == "jaxseg"
  assert written.SoftwareVersions == jaxseg.__version__
  assert written.StructureSetDate == written.SeriesDate == "20240229"
  assert written.file_meta.TransferSyntaxUID == uids.ExplicitVRLittleEndian
  assert written.file_meta.MediaStorageSOPInstanceUID == written.SOPInstanceUID
  assert written.SeriesInstanceUID not in (ct.series_uid, ct.study_uid)
  for roi in written.StructureSetROISequence:
    assert roi.ReferencedFrameOfReferenceUID == ct.frame_of_reference_uid
  (study,) = written.ReferencedFrameOfReferenceSequence[
    0
  ].RTReferencedStudySequence
  assert study.ReferencedSOPInstanceUID == ct.study_uid
  for one in written.ROIContourSequence[0].ContourSequence:
    assert one.ContourGeometricType == "CLOSED_PLANAR"
    assert all(len(str(v)) <= 16 for v in one.ContourData)
    assert 3 * one.NumberOfContourPoints == len(one.ContourData)


def test_absent_attributes_are_written_empty(folder, tmp_path):
  def poor(dataset, _):
    for keyword in (
      "PatientName", "PatientID", "PatientSex", "StudyDate", "StudyID",
      "ReferringPhysicianName",
    ):  # fmt: skip
      delattr(dataset, keyword)

  ct_series(tmp_path / "ct", change=poor)
  image = dicom.read_ct(tmp_path / "ct")
  path = write_rtstruct(tmp_path / "set.dcm", {"a": blob(image)}, image)
  written = pydicom.dcmread(path)
  assert written.PatientID == "" and written.StudyDate == ""
  assert not written.PatientName and not written.ReferringPhysicianName
  warnings = dciodvfy(path)
  assert not [line for line in warnings if "DICOMDIR" not in line]


def test_the_patient_stays_and_broken_study_texts_go(tmp_path):
  def odd(dataset, _):
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.PatientName = "Müller^Jörg"
    dataset.PatientID = "P" * 70
    dataset.StudyDescription = "Kopf\u00b7Hals"
    dataset.StudyID = "x" * 17
    dataset.StudyDate = "2020-01-02"
    dataset.StudyTime = "noon"

  ct_series(tmp_path / "ct", change=odd)
  image = dicom.read_ct(tmp_path / "ct")
  path = write_rtstruct(tmp_path / "set.dcm", {"a": blob(image)}, image)
  written = pydicom.dcmread(path)
  assert written.SpecificCharacterSet == "ISO_IR 192"
  assert str(written.PatientName) == "Müller^Jörg"
  assert written.PatientID == "P" * 70  # Or it would be another patient.
  assert written.StudyDescription == "Kopf\u00b7Hals"
  assert [written.StudyID, written.StudyDate, written.StudyTime] == [""] * 3


def test_a_name_that_cannot_be_decoded_is_not_changed_silently(tmp_path):
  def odd(dataset, _):
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName = "M?ller^Someone"

  for path in ct_series(tmp_path / "ct", change=odd):
    content = path.read_bytes()
    path.write_bytes(content.replace(b"M?ller", b"M\xfcller"))  # Not UTF-8.
  image = dicom.read_ct(tmp_path / "ct")
  with pytest.raises(errors.DataError, match=r"\(0010,0010\)") as caught:
    write_rtstruct(tmp_path / "set.dcm", {"a": blob(image)}, image)
  assert "Someone" not in str(caught.value)


def test_uids_follow_from_seed_and_content(folder, ct):
  def written(name, **options):
    structures = options.pop("structures", {"a": blob(ct)})
    path = write_rtstruct(folder / name, structures, ct, now=NOW, **options)
    return path.read_bytes(), pydicom.dcmread(path)

  same, one = written("one", seed=5)
  again, _ = written("two", seed=5)
  assert same == again
  variants = [
    {"seed": 6},
    {"seed": "5x"},
    {},
    {},
    {"seed": 5, "label": "b"},
    {"seed": 5, "structures": {"b": blob(ct)}},
    {"seed": 5, "structures": {"a": blob(ct, hole=False)}},
    {"seed": 5, "structures": {"a": RtStructure(blob(ct), description="c")}},
  ]
  others = [one]
  for number, options in enumerate(variants):
    others.append(written(f"other {number}", **options)[1])
  for keyword in ("SOPInstanceUID", "SeriesInstanceUID"):
    found = {other[keyword].value for other in others}
    assert len(found) == len(others)
    assert all(uid.is_valid for uid in found)


def test_long_names_are_told_with_the_file_to_come(tmp_path, ct, caplog):
  with _unfinished.folder(tmp_path / "p1") as aside:
    path = aside / "p1" / "rtstruct.dcm"
    write_rtstruct(path, {"a name of 24 characters!": blob(ct)}, ct)
  (record,) = caplog.records
  assert record.getMessage().startswith(f"{tmp_path}/p1/rtstruct.dcm: 1 ROI")


def test_long_contours(folder, ct):
  many = circle(ct, 1, points=5000)
  path = write_rtstruct(folder / "long.dcm", {"a": [many], "b": blob(ct)}, ct)
  written = pydicom.dcmread(path)
  assert written.file_meta.TransferSyntaxUID == uids.ImplicitVRLittleEndian
  back = dicom.read_rtstruct(path)
  np.testing.assert_allclose(
    back["a"].contours[0].points, many, rtol=0, atol=5.0001e-5
  )
  np.testing.assert_array_equal(back.mask("b", ct).array, blob(ct))
  corners = circle(ct, 1, points=4)
  share = np.linspace(0, 1, 1500, endpoint=False)[:, None]
  straight = np.concatenate([
    a + share * (b - a)
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)
  ])  # fmt: skip
  path = write_rtstruct(folder / "straight.dcm", {"a": [straight]}, ct)
  written = pydicom.dcmread(path)
  assert written.file_meta.TransferSyntaxUID == uids.ExplicitVRLittleEndian
  assert len(dicom.read_rtstruct(path)["a"].contours[0].points) == 4


def test_existing_files_stay(folder, ct):
  path = folder / "existing.dcm"
  path.write_bytes(b"precious")
  with pytest.raises(errors.ExistingOutputError, match=r"existing\.dcm"):
    write_rtstruct(path, {"a": blob(ct)}, ct)
  with pytest.raises(errors.DataError):
    write_rtstruct(path, {}, ct, overwrite=True)
  assert path.read_bytes() == b"precious"
  with pytest.raises(errors.ExistingOutputError):
    write_rtstruct(folder, {"a": blob(ct)}, ct, overwrite=True)
  write_rtstruct(path, {"a": blob(ct)}, ct, overwrite=True)
  assert dicom.read_rtstruct(path).names == ("a",)
  assert not list(folder.glob(".existing*"))


@pytest.mark.parametrize(("options", "error", "said"), [
    ({"holes": "filled"}, errors.ConfigError, "separate, keyhole"),
    ({"label": "x" * 17}, errors.DataError, "17 characters"),
    ({"label": ""}, errors.DataError, "label is empty"),
    ({"series_description": "x" * 65}, errors.DataError, "65 characters"),
])  # fmt: skip
def test_options_that_cannot_work(folder, ct, options, error, said):
  with pytest.raises(error, match=said):
    write_rtstruct(folder / "no.dcm", {"a": blob(ct)}, ct, **options)
  assert not (folder / "no.dcm").exists()


@pytest.mark.parametrize(("change", "said"), [
    ({"frame_of_reference_uid": ""}, r"FrameOfReferenceUID \(0020,0052\)"),
    ({"study_uid": ""}, r"StudyInstanceUID \(0020,000D\)"),
    ({"instances": ("",) * 5}, r"SOPInstanceUID \(0008,0018\)"),
])  # fmt: skip
def test_images_that_nothing_can_refer_to(folder, ct, change, said):
  image = dataclasses.replace(ct, **change)
  with pytest.raises(errors.DataError, match=said):
    write_rtstruct(folder / "no.dcm", {"a": blob(ct)}, image)


@BOTH
def test_the_validator_finds_nothing(folder, images, ct, holes):
  for number, image in enumerate([ct, *images]):
    path = folder / f"validate {holes} {number}"
    masks = {
      "brain": blob(image),
      "Ohrmuschel_größer": RtStructure(blob(image), description="t > 0,5 ≥"),
      "nothing": np.zeros(image.shape, np.bool_),
      "gtv": [circle(image, 1, radius=2.0)],
    }
    write_rtstruct(path, masks, image, holes=holes)
    assert dciodvfy(path) == []


def test_the_validator_finds_nothing_in_long_and_multi_frame(folder, ct):
  enhanced = dataclasses.replace(
    ct,
    sop_class_uid=uids.EnhancedCTImageStorage,
    instances=(ct.instances[0],) * 5,
    frames=(2, 4, 1, 3, 5),
  )
  masks = {"a": [circle(ct, 1, points=4000, radius=7.77)], "b": blob(ct)}
  path = write_rtstruct(folder / "enhanced.dcm", masks, enhanced)
  meta = pydicom.dcmread(path).file_meta
  assert meta.TransferSyntaxUID == uids.ImplicitVRLittleEndian
  assert dciodvfy(path) == []


@pytest.mark.parametrize("name", ["001", "013", "036", "045"])
def test_the_validator_on_real_ct(dicom_data, folder, name):
  case = dicom_data / "sts" / f"STS_{name}_CT"
  image = dicom.read_ct(case / "image")
  (mask,) = dicom.read_rtstruct(case / "rtstruct.dcm").masks(image).values()
  path = write_rtstruct(folder / f"{name}.dcm", {"tumour": mask}, image)
  back = dicom.read_rtstruct(path).mask("tumour", image)
  np.testing.assert_array_equal(back.array, mask)
  found = dciodvfy(path)
  assert not [line for line in found if line.startswith("Error")]
  # The images' own: a name in one part, and a StudyID of 17 characters, which
  # is left out.
  known = ("Retired Person Name form", "DICOMDIR - Study ID")
  assert not [line for line in found if not line.endswith(known)]


@pytest.mark.parametrize(("holes", "option"), [
    ("separate", ["--xor-contours"]),
    ("keyhole", []),
    ("keyhole", ["--xor-contours"]),
])  # fmt: skip
def test_plastimatch_finds_the_same_voxels(folder, ct, holes, option):
  program = shutil.which("plastimatch")
  if program is None:
    pytest.skip("no plastimatch: the independent reader is not installed")
  mask = blob(ct)
  number = f"plastimatch {holes} {len(option)}"
  path = write_rtstruct(folder / f"{number}.dcm", {"a": mask}, ct, holes=holes)
  subprocess.run(
    [
      program, "convert", "--input", path, "--referenced-ct",
      f"{folder / 'ct'}/", "--output-prefix", folder / number,
      "--prefix-format", "nrrd", *option,
    ],
    check=True,
    capture_output=True,
  )  # fmt: skip
  found = sitk.GetArrayFromImage(sitk.ReadImage(folder / number / "a.nrrd"))
  np.testing.assert_array_equal(found > 0, mask)


def references(folder, image, slices):
  """The series that a file refers to, and the images of each contour."""
  structures = {"a": [circle(image, k) for k in slices]}
  path = write_rtstruct(folder / "set.dcm", structures, image, overwrite=True)
  made = pydicom.dcmread(path)
  (frame,) = made.ReferencedFrameOfReferenceSequence
  (study,) = frame.RTReferencedStudySequence
  (series,) = study.RTReferencedSeriesSequence
  (shape,) = made.ROIContourSequence
  own = [one.get("ContourImageSequence", []) for one in shape.ContourSequence]
  return series, own


def test_every_slice_is_listed_and_each_contour_names_its_own(tmp_path):
  ct_series(tmp_path / "ct")
  image = dicom.read_ct(tmp_path / "ct")
  series, own = references(tmp_path, image, [0, 3])
  assert series.SeriesInstanceUID == image.series_uid
  listed = [i.ReferencedSOPInstanceUID for i in series.ContourImageSequence]
  assert listed == list(image.instances)
  assert [one[0].ReferencedSOPInstanceUID for one in own] == [
    image.instances[0], image.instances[3]
  ]  # fmt: skip
  for one in (*series.ContourImageSequence, own[0][0]):
    assert one.ReferencedSOPClassUID == uids.CTImageStorage
    assert "ReferencedFrameNumber" not in one


def test_frames_of_a_multi_frame_image(tmp_path):
  ct_series(tmp_path / "ct", shape=(4, 6, 8))
  image = dataclasses.replace(
    dicom.read_ct(tmp_path / "ct"),
    sop_class_uid=uids.EnhancedCTImageStorage,
    instances=("1.2.3",) * 4,
    frames=(2, 4, 1, 3),
  )
  series, own = references(tmp_path, image, [0, 3])
  (listed,) = series.ContourImageSequence  # All frames: no numbers.
  assert listed.ReferencedSOPInstanceUID == "1.2.3"
  assert listed.ReferencedSOPClassUID == uids.EnhancedCTImageStorage
  assert "ReferencedFrameNumber" not in listed
  assert [one[0].ReferencedFrameNumber for one in own] == [2, 3]
  series, own = references(
    tmp_path, dataclasses.replace(image, frames=(2, 4, 1, 7)), [3]
  )
  assert list(series.ContourImageSequence[0].ReferencedFrameNumber) == [
    1, 2, 4, 7
  ]  # fmt: skip


def test_interpolated_slices_have_no_image_to_refer_to(tmp_path):
  ct_series(tmp_path / "ct", change=lambda _, index: index != 2)
  image = dicom.read_ct(tmp_path / "ct", spacing="resample")
  series, own = references(tmp_path, image, [1, 2])
  assert len(series.ContourImageSequence) == 4
  assert len(own[0]) == 1 and len(own[1]) == 0


def test_a_description_of_the_whole_set(folder, ct):
  path = folder / "described.dcm"
  text = "Automatic contours. " + "x" * 1000
  write_rtstruct(path, {"a": blob(ct)}, ct, description=text)
  assert pydicom.dcmread(path).StructureSetDescription == text
  assert [w for w in dciodvfy(path) if w.startswith("Error")] == []
  with pytest.raises(errors.DataError, match="description is .* allows 1024"):
    write_rtstruct(folder / "x.dcm", {"a": blob(ct)}, ct, description=text * 2)
