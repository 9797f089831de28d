"""What a scan's folder says of itself: names of ROIs, and the description."""

import dataclasses

import pydicom
import pytest

import jaxseg
from jaxseg import cohorts
from jaxseg import errors
from jaxseg import structures
from jaxseg import volume
from jaxseg.deploy import _predict
from jaxseg.deploy import _scans
from jaxseg.deploy import _write
from jaxseg.deploy._likeness import Remark
from tests import deployed as made


@pytest.fixture(scope="module")
def ready(deployed):
  scan = cohorts.find_scans(deployed / "files" / made.NAMES[2]).found[0]
  models = jaxseg.deploy.load_models([deployed / "bundle"])
  return _predict.read(scan, models), models


def test_all_contours_of_all_structures_have_names_of_their_own():
  taken = {}
  for name in structures.names(kind="any"):
    for end in ("", _write.INNER, _write.OUTER):
      taken[_write._roi_name(name, end, taken)] = name
  assert len(taken) == 3 * len(structures.names(kind="any"))
  for roi, name in taken.items():
    assert len(roi) <= 16 and roi.isascii()
    whole, _, end = roi.partition("^")
    known = structures.get(name).tg263
    assert end in ("", "i", "o")  # None of them had to be numbered.
    # The side stays, and so does "_S" of the superior constrictor.
    assert whole[-2:] == known[-2:] or known[-2] != "_"
    assert known.startswith(whole.removesuffix(known[-2:]))


@pytest.mark.parametrize(
  ("structure", "names"),
  [
    ("brain", ("Brain", "Brain^i", "Brain^o")),
    ("temporal_lobe_left", ("Lobe_Temporal_L", "Lobe_Tempora_L^i")),
    ("digastric_right", ("Musc_Digastric_R", "Musc_Digastr_R^i")),
    ("medulla_oblongata", ("MedullaOblongata", "MedullaOblonga^i")),
    ("x" * 70, ("x" * 64, "x" * 62 + "^i")),
  ],
)
def test_a_name_makes_room_before_its_side(structure, names):
  ends = ("", _write.INNER, _write.OUTER)
  for name, end in zip(names, ends, strict=False):
    assert _write._roi_name(structure, end, {}) == name


def test_a_name_that_is_taken_is_numbered():
  taken = {}
  for name in ("brain", "Brain", "x" * 65, "x" * 66):
    for end in ("", _write.INNER):
      taken[_write._roi_name(name, end, taken)] = name
  assert [*taken][:4] == ["Brain", "Brain^i", "Brain^2", "Brain^i2"]
  assert [*taken][6:] == ["x" * 62 + "^2", "x" * 61 + "^i2"]


def test_both_sides_are_written_with_their_intervals(ready, tmp_path):
  one, models = ready
  sides = [f"temporal_lobe_{side}" for side in ("left", "right")]
  sides = dict.fromkeys(sides, models["brain"])
  _write.written(
    tmp_path, one, sides, ["rtstruct"], settings={}, origin={}, interval=True
  )
  said = pydicom.dcmread(tmp_path / "rtstruct.dcm")
  names = [roi.ROIName for roi in said.StructureSetROISequence]
  assert names == [
    "Lobe_Temporal_L",
    "Lobe_Tempora_L^i",
    "Lobe_Tempora_L^o",
    "Lobe_Temporal_R",
    "Lobe_Tempora_R^i",
    "Lobe_Tempora_R^o",
  ]


def test_the_description_tells_warnings_apart(ready, tmp_path):
  one, models = ready
  remarks = {"": [Remark("the model is new")], "brain": [Remark("is dark.")]}
  one = dataclasses.replace(one, remarks=remarks)
  about = {"settings": {}, "origin": {}}
  _write.written(tmp_path, one, {"brain": models["brain"]}, ["rtstruct"],
                 **about)  # fmt: skip
  said = pydicom.dcmread(tmp_path / "rtstruct.dcm")
  assert said.StructureSetDescription == (
    "Automatic contours, not approved. Warnings: (1) the model is new."
    " (2) brain: is dark."
  )


def test_a_description_keeps_to_what_dicom_allows():
  describe = _write._whole_description
  assert describe([]) == "Automatic contours, not approved."
  for length in (100, 900, 960, 970, 5000):
    found = describe(["\\\u00fc" + "x" * length] * 12)
    assert len(found) <= 1024 and found.isascii() and "\\" not in found
    assert found.endswith(" more, in result.json.") == (length < 960)
  assert found.endswith(" Warnings: 12, in result.json.")
  assert describe(["x" * 100] * 12).endswith("x. And 4 more, in result.json.")


@pytest.fixture
def aslant(ready):
  """The scan, as if the gantry had been tilted."""
  one, models = ready
  axes = one.image.affine.copy()
  axes[1, 0] += 2.0
  grid = volume.Grid.from_affine(one.image.shape, axes)
  image = dataclasses.replace(one.image, grid=grid)
  turned = volume.Volume(one.turned.array, grid)
  return dataclasses.replace(one, image=image, turned=turned), {
    "brain": models["brain"]
  }


def test_of_a_tilted_gantry_there_is_no_nifti(aslant, tmp_path):
  kinds = ["rtstruct", "nifti", "maps"]
  about = {"settings": {}, "origin": {}}
  result = _write.written(tmp_path, *aslant, kinds, **about)
  assert set(result["files"]) == {"rtstruct.dcm", "maps/brain.dcm"}
  (said,) = [text for text in result["warnings"] if "NIfTI" in text]
  assert said.startswith("no NIfTI is written (nifti, maps): the axes are ")
  assert "write RTSTRUCT or SEG" in said
  result = _write.written(tmp_path / "b", *aslant, ["rtstruct"], **about)
  assert not [text for text in result["warnings"] if "NIfTI" in text]


def test_where_nothing_but_nifti_is_asked_for_it_is_refused(aslant, tmp_path):
  with pytest.raises(errors.GeometryError, match="degrees off a right angle"):
    _write.written(tmp_path, *aslant, ["nifti"], settings={}, origin={})
  assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_is_refused_before_it_is_predicted(
  deployed, tmp_path, monkeypatch
):
  scan = cohorts.find_scans(deployed / "files" / made.NAMES[2]).found[0]
  kinds = ("rtstruct", "nifti")
  job = _scans.Job((str(deployed / "bundle"),), tmp_path, kinds=kinds)
  read = _predict.read

  def nameless(*given, **options):
    one = read(*given, **options)
    instances = ("", *one.image.instances[1:])
    image = dataclasses.replace(one.image, instances=instances)
    return dataclasses.replace(one, image=image)

  monkeypatch.setattr(_predict, "read", nameless)
  monkeypatch.setattr(_predict, "predict", None)
  (outcome,) = _scans.predict_scans([scan], job)
  assert "SOPInstanceUID (0008,0018) is missing" in outcome.refused
  assert not list(tmp_path.iterdir())
