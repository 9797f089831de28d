"""Folders of images and label maps, as nnU-Net and the Decathlon keep them."""

import json

import nibabel
import numpy as np
import pytest

from jaxseg import cohorts
from jaxseg import errors
from tests.cli import command
from tests.cohort_double import Blobs

# Of [x, y, z] with x to the left and y to the back, as in DICOM: LPS to RAS.
TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def saved(path, array, affine, turned=False):
  """Saves `[slice, row, column]` on an LPS affine of that order."""
  image = nibabel.Nifti1Image(
    array.transpose(2, 1, 0), TO_RAS @ affine[:, [2, 1, 0, 3]]
  )
  if turned:  # Stored as RAS, from the feet up: the other way in each axis.
    image = nibabel.as_closest_canonical(image)
  path.parent.mkdir(parents=True, exist_ok=True)
  nibabel.save(image, path)


def folder(root, *, labels=None, patients=4, channel="CT", turned=False):
  """The blobs: label 1 is the brain, 2 the cord, 3 their common voxels."""
  for number in range(patients):
    case = Blobs().load(f"p{number}")
    none = np.zeros(case.image.shape, np.bool_)
    values = case.masks["brain"].astype(np.uint8)
    values[case.masks.get("spinal_cord", none)] = 2
    affine = case.image.affine
    image, name = case.image.array, f"p{number}"
    saved(root / f"imagesTr/{name}_0000.nii.gz", image, affine, turned)
    saved(root / f"labelsTr/{name}.nii.gz", values, affine, turned)
  said = {
    "channel_names": {"0": channel},
    "labels": labels or {"background": 0, "Brain": 1, "cord": 2},
    "file_ending": ".nii.gz",
  }
  (root / "dataset.json").write_text(json.dumps(said))
  return root


@pytest.mark.parametrize("turned", [False, True])
def test_images_and_masks(tmp_path, turned):
  cohort = cohorts.NiftiFolder(folder(tmp_path, turned=turned))
  assert cohort.patients() == ("p0", "p1", "p2", "p3")
  assert cohort.structures == ("brain", "spinal_cord")
  for name in cohort.patients():
    case, expected = cohort.load(name), Blobs().load(name)
    cord = expected.masks.get("spinal_cord")
    brain = expected.masks["brain"].copy()
    if cord is not None:
      brain &= ~cord
    assert case.contoured == expected.contoured
    # Rows grow to the back and columns to the left, whatever the file does;
    # slices may run either way.
    back = case.image.affine[2, 0] > 0 and expected.image.affine[2, 0] < 0
    way = slice(None, None, -1 if back else 1)
    np.testing.assert_array_equal(case.image.array[way], expected.image.array)
    np.testing.assert_array_equal(case.masks["brain"][way], brain)
    np.testing.assert_allclose(case.image.spacing, (3, 2, 2), rtol=1e-6)
  json.dumps(cohort.describe())


def test_regions_own_names_and_what_is_ignored(tmp_path):
  labels = {"background": 0, "both": [1, 2], "GTV": 2, "ignore": 3}
  root = folder(tmp_path, labels=labels, patients=1)
  path = root / "labelsTr/p0.nii.gz"
  image = nibabel.load(path)
  values = np.asarray(image.dataobj).copy()
  values[0, 0, 5] = 3
  nibabel.save(nibabel.Nifti1Image(values, image.affine), path)
  cohort = cohorts.NiftiFolder(root)
  assert cohort.structures == ("both",)  # Targets only when asked for.
  case = cohort.load("p0")
  np.testing.assert_array_equal(
    case.masks["both"], np.isin(values, [1, 2]).transpose(2, 1, 0)
  )
  assert case.unscanned == (5,)
  asked = cohorts.NiftiFolder(root, structures=["gtv"], aliases={"both": None})
  np.testing.assert_array_equal(
    asked.load("p0").masks["gtv"], (values == 2).transpose(2, 1, 0)
  )
  with pytest.raises(errors.StructureNotFoundError, match=r"it has both, gtv"):
    cohorts.NiftiFolder(root, structures=["brain"])


def test_slices_passed_over_in_painting_are_unknown(tmp_path):
  root = folder(tmp_path, patients=1)
  path = root / "labelsTr/p0.nii.gz"
  image = nibabel.load(path)
  values = np.asarray(image.dataobj).copy()
  shown = np.flatnonzero((values == 1).any((0, 1)))
  values[:, :, shown[1:-1:2]] = 0
  nibabel.save(nibabel.Nifti1Image(values, image.affine), path)
  case = cohorts.NiftiFolder(root).load("p0")
  assert case.unknown["brain"] == tuple(shown[1:-1:2])
  assert not case.masks["brain"][list(case.unknown["brain"])].any()


def test_a_decathlon_s_table(tmp_path):
  root = folder(tmp_path, patients=1)
  said = {
    "modality": {"0": "CT"},
    "labels": {"0": "background", "1": "gehirn", "2": "myelon"},
  }
  (root / "dataset.json").write_text(json.dumps(said))
  for path in root.glob("imagesTr/*_0000.nii.gz"):
    path.rename(path.with_name(path.name.replace("_0000", "")))
  cohort = cohorts.NiftiFolder(root)
  assert cohort.load("p0").contoured == ("brain", "spinal_cord")


def test_mr(tmp_path):
  root = folder(tmp_path, channel="T1", patients=1)
  with pytest.raises(errors.DataError, match=r"'T1', not CT; .*--modality=MR"):
    cohorts.NiftiFolder(root)
  case = cohorts.NiftiFolder(root, modality="MR").load("p0")
  ct = folder(tmp_path / "ct", patients=1)
  with pytest.raises(errors.DataError, match="'CT', not MR; leave out --mod"):
    cohorts.NiftiFolder(ct, modality="MR")
  assert case.image.array.min() == -1000
  assert case.image.array.max() > 300


def test_a_rounded_geometry_is_the_same_and_another_is_not(tmp_path):
  root = folder(tmp_path, patients=1)
  path = root / "labelsTr/p0.nii.gz"
  image = nibabel.load(path)
  for shift, fits in ((0.2, True), (2.0, False)):
    affine = image.affine.copy()
    affine[0, 3] += shift  # Of pixels of 2 mm.
    nibabel.save(nibabel.Nifti1Image(np.asarray(image.dataobj), affine), path)
    if fits:
      assert cohorts.NiftiFolder(root).load("p0").contoured
    else:
      with pytest.raises(errors.GeometryError, match="different grids"):
        cohorts.NiftiFolder(root).load("p0")


def test_what_is_missing_is_named(tmp_path):
  with pytest.raises(errors.DataError, match="no such folder"):
    cohorts.NiftiFolder(tmp_path / "none")
  with pytest.raises(errors.DataError, match=r"dataset\.json: missing"):
    cohorts.NiftiFolder(tmp_path)
  root = folder(tmp_path / "x", patients=3)
  (root / "imagesTr/p0_0000.nii.gz").unlink()
  (root / "labelsTr/p1.nii.gz").unlink()
  cohort = cohorts.NiftiFolder(root)
  assert cohort.patients() == ("p2",)
  assert cohort.left_out["p0"].startswith("has no image beside p0.nii.gz")
  assert cohort.left_out["p1"] == "has no label map; add it"
  for said, text in (
    ({"labels": {"background": 0}}, "names no structure"),
    ({"labels": {"brain": "x"}}, "'brain' is 'x'"),
    ({"labels": {"brain": 1.0}}, "'brain' is '1.0'"),
    ({"labels": {"brain": True}}, "'brain' is 'True'"),
    ({"labels": {"1": "brain", "2": "brain"}}, "each name once"),
    ({"labels": {"brain": 1, "Brain": 2}}, "two labels are brain"),
    ({}, 'has no "labels"'),
  ):
    (root / "dataset.json").write_text(json.dumps(said))
    with pytest.raises(errors.DataError, match=text):
      cohorts.NiftiFolder(root)


def test_commands(tmp_path):
  root = folder(tmp_path / "in", patients=6)
  (root / "labelsTr/p5.nii.gz").write_bytes(b"\x1f\x8brubbish")
  flags = ("--cohort=nifti_folder", "--input=in", "--output=run")
  line = command.refused("prepare", *flags, "--on_two=first", folder=tmp_path)
  assert "--on_two: only for --cohort=dicom_folder" in line
  out = command.done("prepare", *flags, folder=tmp_path)
  assert "left out p5" in out and "leave out 0 %" in out
  assert "nifti_folder: 5 patients" in out
  line = command.refused(
    "train", "--structure=liver", "--output=run", folder=tmp_path
  )
  assert "liver: contoured on no patient" in line


@pytest.mark.parametrize(
  ("change", "text"),
  [
    (lambda values: np.where(values == 1, 9, values), r"labels 9, which data"),
    (lambda values: values * 0, "shows none of brain, spinal_cord"),
  ],
)
def test_a_map_of_other_labels_is_refused(tmp_path, change, text):
  root = folder(tmp_path, patients=1)
  path = root / "labelsTr/p0.nii.gz"
  image = nibabel.load(path)
  values = change(np.asarray(image.dataobj)).astype(np.uint8)
  nibabel.save(nibabel.Nifti1Image(values, image.affine), path)
  with pytest.raises(errors.DataError, match=text):
    cohorts.NiftiFolder(root).load("p0")


def test_a_folder_of_nifti_is_no_folder_of_dicom(tmp_path):
  with pytest.raises(errors.DataError, match=r"has a dataset\.json"):
    cohorts.DicomFolder(folder(tmp_path, patients=1))
