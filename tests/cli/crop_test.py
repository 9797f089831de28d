"""Commands prepare what keeps the organs, and say in percent what is lost."""

import json

import numpy as np
import pytest

from jaxseg import data
from jaxseg import dicom
from jaxseg import errors
from jaxseg import volume
from jaxseg.cli import _crop
from tests.cli import command

AXIAL = np.array([[0.0, 0, 1, 0], [0, 1, 0, 0], [3, 0, 0, 0], [0, 0, 0, 1]])
FAR = (60, 80)  # Pixels of 1 mm from the body's centre.


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
  """Patients with organs far out, a target in two parts, an own name."""
  folder = tmp_path_factory.mktemp("clinic")
  y, x = np.ogrid[:200, :220]
  body = (y - 100) ** 2 + (x - 110) ** 2 <= 90**2
  hu = np.broadcast_to(np.where(body, 0, -1000), (6, 200, 220))

  def box(rows, columns):
    mask = np.zeros(hu.shape, np.bool_)
    mask[1:5, slice(*rows), slice(*columns)] = True
    return mask

  for number in range(5):
    image = volume.Volume.from_affine(hu.astype(np.int16), AXIAL)
    series = dicom.write_ct(
      folder / "in" / f"{number}" / "ct", image, patient_id=f"p{number}"
    )
    masks = {
      "Parotid_L": box((95, 105), (110 + FAR[0], 110 + FAR[1])),
      "SpinalCord": box((130, 140), (105, 115)),
      "GTV-1": box((80, 86), (100, 106)),
      "GTV-2": box((60, 66), (100, 106)),
      "Tumorbett": box((70, 94), (90, 114)),
    }
    if number == 4:
      masks = {"Warze": masks["Tumorbett"], "Parotis lnks": masks["Parotid_L"]}
    dicom.write_rtstruct(
      folder / "in" / f"{number}" / "rs.dcm", masks, dicom.read_ct(series)
    )
  return folder


DICOM = ("--cohort=dicom_folder", "--input=in")


def test_the_default_keeps_the_organs(clinic):
  out = command.done("prepare", *DICOM, "--output=fit", folder=clinic)
  assert "leave out 0 % of every structure" in out
  assert "left out p4" in out and "no contour has a known name" in out
  facts = json.loads((clinic / "fit/run.json").read_text())
  # As far as 80 mm, the border of a voxel, half a pixel and 8 mm on each side.
  assert facts["prepare"]["size"] == [96, 96]
  assert facts["prepare"]["spacing"] == 2.0
  out = command.done("prepare", "--output=fit", "--size=fit", folder=clinic)
  assert "leave out 0 %" in out and "left out p4" in out
  line = command.refused(
    "prepare", "--output=fit", "--size=150mm", folder=clinic
  )
  assert "size is fit, asked is 150mm" in line


def test_too_much_is_refused_and_may_be_allowed(clinic):
  flags = (*DICOM, "--size=140", "--output=cut")
  line = command.refused("prepare", *flags, folder=clinic)
  # Columns 60 to 79 from the centre, of which 60 to 69 are within 70.
  assert "(140 x 140 pixels of each patient's own spacing)" in line
  assert "leave out 50.0 % of parotid_left;" in line
  assert "--size=fit or --size=140x176" in line and "--allow_crop" in line
  assert not (clinic / "cut").exists()
  out = command.done("prepare", *flags, "--allow_crop", folder=clinic)
  (row,) = [r for r in out.splitlines() if "left parotid" in r and "50.0" in r]
  assert "p0" in row
  # It stays allowed, and other structures were never in question.
  out = command.done("prepare", "--output=cut", folder=clinic)
  assert "50.0" in out
  for name in ("140x176", "180mm"):
    out = command.done(
      "prepare", *DICOM, f"--size={name}", f"--output={name}", folder=clinic
    )
    assert "leave out 0 %" in out


def test_only_what_is_asked_for_must_be_kept(clinic):
  flags = (*DICOM, "--size=140", "--output=some", "--structures=spinal_cord")
  out = command.done("prepare", *flags, folder=clinic)
  assert "leave out 0 % of spinal_cord" in out
  for name, *flags in (
    ("prepare",),
    ("train", "--structure=parotid_left"),
    ("reproduce", "--structures=spinal_cord,Parotid_L"),
  ):
    line = command.refused(name, *flags, "--output=some", folder=clinic)
    assert "50.0 % of parotid_left" in line and "--allow_crop" in line


def test_targets_when_they_are_asked_for(clinic):
  flags = (*DICOM, "--output=gtv")
  line = command.refused("train", "--structure=gtv", *flags, folder=clinic)
  assert "gtv: contoured on no patient" in line
  assert "on 4 patients several contours fit it" in line
  assert "--on_two=union takes all" in line
  out = command.done(
    "prepare", "--structures=GTV-1", "--on_two=union", *flags, folder=clinic
  )
  assert "GTV" in out
  store = data.Store(clinic / "gtv/store")
  assert store.reference("p1", "gtv").sum() == 2 * 4 * 36
  line = command.refused(
    "train", "--structure=gtv", "--output=fit2", *DICOM[:1], folder=clinic
  )
  assert "--input" in line
  line = command.refused(
    "train", "--structure=ctv", "--output=gtv", folder=clinic
  )
  assert "prepared without it" in line and "another --output" in line
  (clinic / "none.json").write_text('{"Parotid_L": null, "SpinalCord": null}')
  line = command.refused(
    "prepare", *DICOM, "--aliases=none.json", "--output=none", folder=clinic
  )
  assert "none of 5 patients can be used" in line
  assert "not asked for: 'GTV-1', 'GTV-2'" in line


def own(clinic):
  (clinic / "own.json").write_text('{"Tumorbett": "tumour_bed"}')
  return (*DICOM, "--aliases=own.json")


def test_structures_of_ones_own(clinic):
  flags = (*own(clinic), "--output=own", "--structures=tumour_bed")
  out = command.done("prepare", *flags, folder=clinic)
  assert "tumour bed" in out and "leave out 0 % of tumour_bed" in out
  run = data.Run(clinic / "own")
  assert run.store.structures == ("parotid_left", "spinal_cord", "tumour_bed")
  patient = run.store.patients["p0"]
  assert data.known_slices(patient, "tumour_bed").all()
  line = command.refused(
    "train", "--structure=tumour_bd", "--output=own", folder=clinic
  )
  assert "'tumour_bd' is unknown" in line
  line = command.refused(
    "train", "--structure=tumour_bed", *DICOM, "--output=new", folder=clinic
  )
  assert "is added by --aliases" in line


@pytest.mark.slow
def test_a_structure_of_ones_own_is_trained_and_swept(clinic):
  flags = (*own(clinic), *command.NETWORK, *command.PREPARED)
  out = command.done(
    "train", "--structure=tumour_bed", *flags, "--output=t", folder=clinic
  )
  assert "tumour bed" in out
  assert (clinic / "t/models/tumour_bed/bce/0/threshold.json").is_file()
  out = command.done("sweep", "--output=t", folder=clinic)
  assert "leave out 0 % of every structure" in out


def test_names_are_drafted(clinic):
  flags = ("--draft_aliases=names.json", "--output=seen")
  out = command.done("inspect", "in", *flags, folder=clinic)
  assert "names.json, 3 names, 1 of them with a suggestion" in out
  drafted = json.loads((clinic / "names.json").read_text())
  assert drafted == {
    "Parotis lnks": "parotid_left?",
    "Tumorbett": None,
    "Warze": None,
  }
  line = command.refused("inspect", "in", *flags, folder=clinic)
  assert "names.json: exists" in line
  # As it stands nothing is guessed; without the question mark it counts.
  flags = ("--aliases=names.json", "--output=seen")
  out = command.done("inspect", "in", *flags, folder=clinic)
  assert "4 of 5 patients can be used" in out
  drafted["Parotis lnks"] = "parotid_left"
  (clinic / "names.json").write_text(json.dumps(drafted))
  out = command.done("inspect", "in", *flags, folder=clinic)
  assert "5 of 5 patients can be used" in out


@pytest.mark.parametrize(("share", "ok"), [(0.0204, True), (0.0206, False)])
def test_what_is_shown_as_2_percent_is_not_above_it(share, ok):
  class Store:
    prepared = data.PrepareConfig(size=(96, 96))
    needed_size = (112, 80)

    def lost(self):
      return {"brain": (share, share, "p1")}

  if ok:
    _crop.check(Store(), ["brain"], where="run")
    return
  with pytest.raises(errors.ConfigError, match=r"leave out 2\.1 % of brain"):
    _crop.check(Store(), ["brain"], where="run")
  _crop.check(Store(), ["lips"], where="run")  # Not its business.
