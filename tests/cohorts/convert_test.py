"""Contours from one format into another, and back, to the voxel."""

import json
import pathlib
from unittest import mock

import numpy as np
import pydicom
import pytest

from jaxseg import cohorts
from jaxseg import dicom
from jaxseg import errors
from jaxseg import formats
from jaxseg import volume
from jaxseg.cohorts import _contours
from jaxseg.cohorts import _convert_files
from tests.cohorts import drawn


def _convert(side, folder, target, images=None, **how):
  return [
    cohorts.convert_case(
      case,
      side=side,
      images=images,
      folder=folder,
      options=cohorts.ConvertOptions(target, **how),
    )
    for case in side.cases
  ]


@pytest.mark.parametrize(
  "between", ["nifti", pytest.param("seg", marks=pytest.mark.slow)]
)
def test_there_and_back(tmp_path, between):
  image = drawn.patient(tmp_path / "in")
  (there,) = _convert(
    cohorts.open_side(tmp_path / "in"), tmp_path / "a", between
  )
  assert not there.refused
  side = cohorts.open_side(tmp_path / "a", beside=[tmp_path / "in"])
  images = cohorts.Images(tmp_path / "in")
  (back,) = _convert(side, tmp_path / "b", "rtstruct", images)
  assert not back.refused
  again = cohorts.open_side(tmp_path / "b", beside=[tmp_path / "in"])
  opened = again.open("p1")
  assert [one.name for one in opened.named] == [*drawn.MASKS]
  for name, mask in drawn.MASKS.items():
    np.testing.assert_array_equal(opened.contour(name).mask.array, mask)
  assert opened.image.series_uid == image.series_uid


def test_nifti_has_the_image_and_a_list(tmp_path):
  image = drawn.patient(tmp_path / "in")
  side = cohorts.open_side(tmp_path / "in")
  (found,) = _convert(side, tmp_path / "a", "nifti", canonical=True)
  place = tmp_path / "a" / "p1"
  assert {path.name for path in place.iterdir()} == {
    "image.nii.gz",
    "spinal_cord.nii.gz",
    "parotid_left.nii.gz",
    "gtv-1-b.nii.gz",
    "structures.json",
  }
  values = formats.read_image(place / "image.nii.gz")
  np.testing.assert_array_equal(values.array, image.array)
  assert values.placed.coincides(image.grid)
  kept = json.loads((place / "structures.json").read_text())
  assert kept["series_uid"] == image.series_uid
  assert [row["name"] for row in kept["structures"]] == [*drawn.MASKS]
  row = found.rows[0]
  assert (row["structure"], row["voxels"], row["slices"]) == (
    "spinal_cord",
    drawn.CORD.sum(),
    4,
  )
  assert row["ml"] == pytest.approx(drawn.CORD.sum() * 5.625e-3, abs=1e-3)


def test_what_is_done_is_not_done_again_unless_it_changed(tmp_path, orphan):
  drawn.patient(tmp_path / "in")
  side = cohorts.open_side(tmp_path / "in")
  names = ("spinal_cord",)
  (first,) = _convert(side, tmp_path / "a", "nifti", names=names)
  before = (tmp_path / "a" / "p1").stat().st_mtime_ns
  left = orphan(tmp_path / "a" / "p1")
  (second,) = _convert(side, tmp_path / "a", "nifti", names=names)
  assert second.kept and second.rows == first.rows
  assert not left.exists()
  assert (tmp_path / "a" / "p1").stat().st_mtime_ns == before
  (third,) = _convert(side, tmp_path / "a", "nifti")
  assert "of other contours or settings" in third.refused
  (fourth,) = _convert(side, tmp_path / "a", "nifti", overwrite=True)
  assert len(fourth.rows) == 3 and not fourth.kept
  assert [p.name for p in (tmp_path / "a").iterdir()] == ["p1"]


def test_what_was_read_otherwise_is_not_taken(tmp_path):
  drawn.patient(tmp_path / "in")
  _convert(cohorts.open_side(tmp_path / "in"), tmp_path / "a", "nifti")
  for options in (
    {"combine": "union"},
    {"repair": ("contours",)},
    {"acquisition": "first"},
  ):
    side = cohorts.open_side(tmp_path / "in", options=options)
    (found,) = _convert(side, tmp_path / "a", "nifti")
    assert "of other contours or settings" in found.refused


def test_another_image_makes_other_contours(tmp_path):
  values = np.full(drawn.GRID.shape, 40, np.int16)
  for k in (1, 2):
    image = volume.Volume(values, drawn.GRID)
    dicom.write_ct(tmp_path / f"ct{k}", image, patient_id="p1", seed=str(k))
  drawn.files(tmp_path / "masks" / "p1", {"spinal_cord": drawn.CORD})
  masks = cohorts.open_side(tmp_path / "masks")
  found = [
    _convert(masks, tmp_path / "out", "rtstruct", cohorts.Images(images))[0]
    for images in (tmp_path / "ct1", tmp_path / "ct1", tmp_path / "ct2")
  ]
  assert [one.kept for one in found] == [False, True, False]
  assert "of other contours or settings" in found[2].refused


@pytest.mark.parametrize("name", ["image.nii.gz", "structures.json", "mask"])
def test_what_was_changed_since_is_told(tmp_path, name):
  drawn.patient(tmp_path / "in", "P1")
  side = cohorts.open_side(tmp_path / "in")
  (case,) = side.cases
  how = {"side": side, "images": None, "folder": tmp_path / "out"}
  plain = cohorts.ConvertOptions("nifti")
  first = cohorts.convert_case(case, options=plain, **how)
  (place,) = (tmp_path / "out").iterdir()
  if name == "mask":
    name = first.rows[0]["file"]
  path = place / name
  content = bytearray(path.read_bytes())
  content[len(content) // 2] ^= 1
  path.write_bytes(content)
  again = cohorts.convert_case(case, options=plain, **how)
  assert name in again.refused and "; " in again.refused
  over = cohorts.ConvertOptions("nifti", overwrite=True)
  again = cohorts.convert_case(case, options=over, **how)
  assert not again.refused and not again.kept
  assert cohorts.convert_case(case, options=plain, **how).kept


def test_what_is_read_is_never_replaced(tmp_path):
  drawn.patient(tmp_path / "in", "P1")
  side = cohorts.open_side(tmp_path / "in")
  _convert(side, tmp_path / "out", "nifti")
  before = sorted((tmp_path / "out").rglob("*"))
  masks = cohorts.open_side(tmp_path / "out")
  images = cohorts.Images(tmp_path / "in")
  for overwrite in (False, True):
    (found,) = _convert(
      masks, tmp_path / "out", "rtstruct", images, overwrite=overwrite
    )
    assert "p1: holds the contours that are read; give" in found.refused
  assert sorted((tmp_path / "out").rglob("*")) == before


def test_only_what_it_wrote_is_replaced(tmp_path):
  drawn.patient(tmp_path / "in", "P1")
  side = cohorts.open_side(tmp_path / "in")
  for name, said in (
    ("p1", "exists and is not a converted case; name another --output"),
    ("p1.new", ""),
  ):
    theirs = tmp_path / "out" / name / "plan.dcm"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs")
    (found,) = _convert(side, tmp_path / "out", "nifti", overwrite=True)
    assert said in found.refused and bool(said) == bool(found.refused)
    assert theirs.read_text() == "theirs"
    theirs.rename(tmp_path / "plan.dcm")
    theirs.parent.rmdir()
  (tmp_path / "plan.dcm").rename(tmp_path / "out" / "p1" / "plan.dcm")
  (found,) = _convert(side, tmp_path / "out", "seg", overwrite=True)
  assert "plan.dcm was not written by jaxseg" in found.refused


def test_of_a_tilted_gantry_there_is_dicom_but_no_nifti(tmp_path):
  drawn.ct(tmp_path / "in" / "ct")
  for path in (tmp_path / "in" / "ct").iterdir():
    one = pydicom.dcmread(path)
    x, y, z = one.ImagePositionPatient
    one.ImagePositionPatient = [x, y + z / 6, z]
    one.save_as(path)
  image = dicom.read_ct(tmp_path / "in" / "ct", tilt="shear")
  dicom.write_rtstruct(tmp_path / "in" / "rt.dcm", drawn.MASKS, image)
  side = cohorts.open_side(tmp_path / "in", options={"repair": ["tilt"]})
  (case,) = _convert(side, tmp_path / "a", "nifti")
  assert case.refused.startswith("'p1': the axes are 9.46 degrees off")
  assert "write RTSTRUCT or SEG" in case.refused
  (case,) = _convert(side, tmp_path / "b", "nifti", with_image=False)
  assert case.refused.startswith("'p1': nothing to convert; 'SpinalCord': the")
  for target in ("rtstruct", "seg"):
    (case,) = _convert(side, tmp_path / target, target)
    assert not case.refused and len(case.rows) == 3


@pytest.mark.parametrize("target", ["rtstruct", "seg"])
def test_a_name_that_dicom_forbids_is_refused_alone(tmp_path, target):
  bad = {
    "": "is empty",
    "PTV\\70": "with the character '\\\\'",
    "x" * 65: "65 characters long",
    "a\nb": "with the character '\\n'",
  }
  named = [_contours.Named(name) for name in (*bad, "Cord ", "Cord")]
  image = drawn.ct(tmp_path / "ct")

  class Side:
    case, own_names, notes, complete = "p1", True, (), False

    def contour(self, name):
      return _contours.Contour(volume.Volume(drawn.CORD, image.grid))

  opened = Side()
  opened.named, opened.image = tuple(named), image
  options = cohorts.ConvertOptions(target)
  rows = _convert_files.written(opened, image, tmp_path, options)
  statuses = {row["name"]: row["status"] for row in rows}
  assert statuses == {**dict.fromkeys(bad, "refused"), "Cord ": "written",
                      "Cord": "refused"}  # fmt: skip
  for row, why in zip(rows, bad.values(), strict=False):
    assert why in row["reason"] and "or convert to NIfTI" in row["reason"]
    assert not row["file"]
  assert rows[-1]["reason"].startswith(
    "is written as 'Cord', and so is 'Cord '"
  )
  opened.named = opened.named[:2]
  with pytest.raises(errors.DataError, match="'': a structure name is empty"):
    _convert_files.written(opened, image, tmp_path, options)


def test_a_voxel_that_differs_refuses_the_case(tmp_path):
  drawn.patient(tmp_path / "in")
  side = cohorts.open_side(tmp_path / "in")
  real = formats.read_mask

  def off(path):
    found = real(path)
    found.array[0, 0, 0] ^= True
    return found

  with mock.patch.object(formats, "read_mask", off):
    (found,) = _convert(side, tmp_path / "a", "nifti")
  assert "1 voxels differ after writing" in found.refused
  assert not list((tmp_path / "a").iterdir())


def test_a_full_disk_leaves_nothing_behind(tmp_path):
  drawn.patient(tmp_path / "in")
  side = cohorts.open_side(tmp_path / "in")
  with (
    mock.patch.object(formats, "write_mask", side_effect=OSError(28, "full")),
    pytest.raises(OSError, match="full"),
  ):
    _convert(side, tmp_path / "a", "nifti")
  assert not list((tmp_path / "a").iterdir())
  (found,) = _convert(side, tmp_path / "a", "nifti")
  assert not found.refused


def test_masks_on_another_grid(tmp_path):
  drawn.ct(tmp_path / "ct")
  images = cohorts.Images(tmp_path / "ct")
  affine = drawn.AFFINE.copy()
  affine[:3, 3] += 1.5 * affine[:3, 2]
  off = drawn.volume.Grid.from_affine(drawn.SHAPE, affine)
  drawn.files(tmp_path / "off" / "p1", {"Brain": drawn.CORD}, off)
  side = cohorts.open_side(tmp_path / "off")
  (found,) = _convert(side, tmp_path / "a", "rtstruct", images)
  assert "is on another grid than the image" in found.refused
  (found,) = _convert(side, tmp_path / "a", "rtstruct", images, resample=True)
  assert "resampled" in found.rows[0]["notes"]


def test_a_cropped_label_map_is_copied(tmp_path):
  image = drawn.ct(tmp_path / "ct")
  affine = drawn.AFFINE.copy()
  affine[:3, 3] += affine[:3, :3] @ (1, 2, 3)
  cropped = drawn.volume.Grid.from_affine((5, 14, 11), affine)
  part = drawn.CORD[1:, 2:, 3:]
  drawn.labels(tmp_path / "maps" / "case", part, grid=cropped)
  (tmp_path / "maps" / "dataset.json").write_text(
    '{"labels": {"background": 0, "spinal_cord": 1}}'
  )
  side = cohorts.open_side(tmp_path / "maps")
  images = cohorts.Images(tmp_path / "ct")
  (found,) = _convert(side, tmp_path / "a", "rtstruct", images)
  assert not found.refused
  back = cohorts.open_side(tmp_path / "a", beside=[tmp_path / "ct"])
  opened = back.open("p1")
  assert opened.named[0].name == "SpinalCord"  # As TG-263 has it.
  mask = opened.contour("SpinalCord").mask
  np.testing.assert_array_equal(mask.array, drawn.CORD)
  assert opened.image.shape == image.shape


def test_an_image_of_another_patient_is_not_taken(tmp_path):
  for name in ("P1", "P2"):
    drawn.ct(tmp_path / "ct" / name, name)
  images = cohorts.Images(tmp_path / "ct")
  assert images.of("p2", frozenset(), True).header.PatientID == "P2"
  with pytest.raises(errors.DataError, match="has no image of it, but of p1"):
    images.of("p3", frozenset(), True)


def test_empty_contours_are_listed_and_not_written(tmp_path):
  empty = np.zeros(drawn.SHAPE, np.bool_)
  masks = {"SpinalCord": drawn.CORD, "Lens": empty}
  drawn.patient(tmp_path / "in", masks=masks)
  side = cohorts.open_side(tmp_path / "in")
  (found,) = _convert(side, tmp_path / "a", "nifti")
  assert [row["status"] for row in found.rows] == ["written", "empty"]
  side = cohorts.open_side(tmp_path / "a")
  assert [one.name for one in side.open("p1").named] == ["SpinalCord"]


def test_hostile_names_stay_in_the_folder(tmp_path):
  masks = {"../../x": drawn.CORD, "=1+1": drawn.LEFT, "image": drawn.GTV}
  drawn.patient(tmp_path / "in", masks=masks)
  side = cohorts.open_side(tmp_path / "in")
  (found,) = _convert(side, tmp_path / "a", "nifti")
  files = [pathlib.Path(row["file"]) for row in found.rows]
  assert [str(path) for path in files] == [
    "x.nii.gz",
    "1-1.nii.gz",
    "image-2.nii.gz",
  ]


def test_unknown_targets_and_names_are_refused(tmp_path):
  with pytest.raises(errors.ConfigError, match="target: 'x' is unknown"):
    cohorts.ConvertOptions("x")
  drawn.patient(tmp_path / "in")
  side = cohorts.open_side(tmp_path / "in")
  (found,) = _convert(side, tmp_path / "a", "nifti", names=("liver",))
  assert found.refused.startswith("liver: none of them is there; there are 'S")


def test_names_that_mean_the_same_come_back_as_they_were(tmp_path):
  names = ("gtv", "GTV", "heart", "Lt Lung", "lung_left")
  masks = dict.fromkeys(names, drawn.CORD)
  image = drawn.ct(tmp_path / "in" / "P1" / "ct", "P1")
  path = tmp_path / "in" / "P1" / "drawn.dcm"
  dicom.write_rtstruct(path, masks, image, own_names=True)
  side = cohorts.open_side(tmp_path / "in")
  for target in ("nifti", "seg"):
    (there,) = _convert(side, tmp_path / target, target)
    assert not there.refused
    middle = cohorts.open_side(tmp_path / target, beside=[tmp_path / "in"])
    images = cohorts.Images(tmp_path / "in")
    (back,) = _convert(middle, tmp_path / f"{target}-back", "rtstruct", images)
    assert not back.refused
    found = dicom.read_rtstruct(tmp_path / f"{target}-back/p1/rtstruct.dcm")
    assert tuple(roi.name for roi in found.rois) == names


def test_files_of_masks_get_standard_names(tmp_path):
  drawn.ct(tmp_path / "ct")
  drawn.files(tmp_path / "in" / "p1", {"parotid_left": drawn.LEFT})
  side = cohorts.open_side(tmp_path / "in")
  images = cohorts.Images(tmp_path / "ct")
  (found,) = _convert(side, tmp_path / "a", "rtstruct", images)
  assert not found.refused
  written = dicom.read_rtstruct(tmp_path / "a/p1/rtstruct.dcm")
  assert [roi.name for roi in written.rois] == ["Parotid_L"]


@pytest.mark.parametrize("between", ["nifti", "seg"])
def test_numbers_and_colours_come_back(tmp_path, between):
  image = drawn.ct(tmp_path / "in" / "P1" / "ct", "P1")
  facts = {"Cord": (7, (1, 2, 3)), "wart": (2, (200, 100, 0))}
  masks = {
    name: dicom.RtStructure(drawn.CORD, number=number, color=color)
    for name, (number, color) in facts.items()
  }
  dicom.write_rtstruct(tmp_path / "in" / "P1" / "rt.dcm", masks, image)
  side = cohorts.open_side(tmp_path / "in")
  (there,) = _convert(side, tmp_path / "a", between)
  assert not there.refused
  side = cohorts.open_side(tmp_path / "a", beside=[tmp_path / "in"])
  images = cohorts.Images(tmp_path / "in")
  (back,) = _convert(side, tmp_path / "b", "rtstruct", images)
  assert not back.refused
  rois = dicom.read_rtstruct(tmp_path / "b/p1/rtstruct.dcm").rois
  colors = {roi.name: roi.color for roi in rois}
  assert colors == {name: color for name, (_, color) in facts.items()}
  # A SEG numbers its segments from 1 on, as the standard asks; here in the
  # order of the numbers that there were.
  numbers = {"nifti": [7, 2], "seg": [2, 1]}[between]
  assert [{r.name: r.number for r in rois}[n] for n in facts] == numbers


def test_what_no_mask_depends_on_refuses_none(tmp_path):
  image = drawn.patient(tmp_path / "in")
  side = cohorts.open_side(tmp_path / "in")
  _convert(side, tmp_path / "a", "nifti")
  path = tmp_path / "a" / "p1" / "structures.json"
  kept = json.loads(path.read_text())
  kept.pop("digest")
  odd = {"color": [1, "x", 2.5], "number": -3, "interpreted_type": "Né",
         "algorithm": "GUESS"}  # fmt: skip
  kept["structures"][0].update(odd)
  kept["structures"][1].update(number=True, color=[0, 0, 999])
  kept["structures"][2].update(number=1, interpreted_type="organ")
  path.write_text(json.dumps(kept))
  side = cohorts.open_side(tmp_path / "a")
  images = cohorts.Images(tmp_path / "in")
  (back,) = _convert(side, tmp_path / "b", "rtstruct", images)
  assert not back.refused
  found = dicom.read_rtstruct(tmp_path / "b/p1/rtstruct.dcm")
  assert [roi.interpreted_type for roi in found.rois][2] == "ORGAN"
  assert (found.mask("SpinalCord", image).array == drawn.CORD).all()
