"""Scans unlike those of the training are noticed, and absurd ones refused."""

import numpy as np
import pytest

from jaxseg import data
from jaxseg import errors
from jaxseg import volume
from jaxseg.deploy import _likeness

KNOWN = {
  "measures": {
    "slice_mm": [2.5, 3.0, 3.0],
    "pixel_mm": [0.9, 1.0, 1.2],
    "width_mm": [450.0, 500.0, 550.0],
    "hu_50": [20.0, 30.0, 40.0],
    "bone": [0.05, 0.1, 0.15],
  }
}
LIKE = {"slice_mm": 3.0, "pixel_mm": 1.0, "width_mm": 500.0, "hu_50": 30.0,
        "bone": 0.1}  # fmt: skip


def told(**changes):
  return _likeness.compare({**LIKE, **changes}, KNOWN)


def test_what_is_like_the_training_is_not_remarked():
  assert told() == []
  assert told(slice_mm=2.0, pixel_mm=1.5, hu_50=79.0) == []
  assert _likeness.compare(LIKE, {}) == []


@pytest.mark.parametrize(
  ("changes", "text", "absurd"),
  [
    ({"slice_mm": 5.0}, "distance of slices 5 mm, in training 2.5 to 3 mm", 0),
    ({"slice_mm": 16.0}, "distance of slices 16 mm", 1),
    ({"pixel_mm": 0.1}, "pixel spacing 0.1 mm", 1),
    ({"width_mm": 200.0}, "field of view 200 mm", 0),
    ({"hu_50": -100.0}, "median in the body -100 HU", 0),
    ({"bone": 0.5}, "share of bone in the body 0.5", 0),
  ],
)
def test_what_is_not_is_said_with_its_range(changes, text, absurd):
  (one,) = told(**changes)
  assert text in one.text
  assert one.absurd == bool(absurd)


def test_finer_pixels_are_brought_to_the_trainings_and_taken():
  known = {"measures": {"pixel_mm": [3.75, 3.91, 5.08]}}
  own = data.PrepareConfig(size=(96, 96))
  sharp = volume.Volume.from_affine(
    np.zeros((3, 512, 512), np.int16), np.diag([2.5, 0.49, 0.49, 1.0])
  )
  brought = _likeness.familiar(own, sharp, known, (96, 96)).spacing
  assert brought == 3.91
  (one,) = _likeness.compare({"pixel_mm": 0.49}, known, brought_mm=brought)
  assert not one.absurd
  assert one.text == (
    "pixels of 0.49 mm, brought to the training's median, in training 3.75 to"
    " 5.08 mm"
  )
  # Else an organ would be eight times as large as the network knows it; and
  # what is coarser has lost what it shows.
  assert _likeness.compare({"pixel_mm": 0.49}, known)[0].absurd
  (coarse,) = _likeness.compare({"pixel_mm": 30.0}, known, brought_mm=3.91)
  assert coarse.absurd


def test_pixels_as_in_training_stay_as_they_are():
  known = {"measures": {"pixel_mm": [3.75, 3.91, 5.08]}}
  coarse, sharp = (
    volume.Volume.from_affine(
      np.zeros((3, 16, 16), np.int16), np.diag([2.5, mm, mm, 1.0])
    )
    for mm in (4.5, 0.49)
  )
  own = data.PrepareConfig(size=(96, 96))
  assert _likeness.familiar(own, coarse, known, (96, 96)) == own
  assert _likeness.familiar(own, sharp, {}, (96, 96)) == own
  kept = data.PrepareConfig(size=(96, 96), spacing=4.0)
  assert _likeness.familiar(kept, sharp, known, (96, 96)) == kept
  part = data.PrepareConfig(crop=(0.25, 0.75))
  assert _likeness.familiar(part, coarse, known, (64, 64)) == part
  brought = _likeness.familiar(part, sharp, known, (64, 64))
  assert brought == data.PrepareConfig(size=(64, 64), spacing=3.91)


def scan(hu, slices=8):
  _, y, x = np.mgrid[:slices, :64, :64]
  body = (y - 32) ** 2 + (x - 32) ** 2 < 24**2
  array = np.where(body, hu, -1000).astype(np.int16)
  return volume.Volume.from_affine(array, np.diag([3.0, 2.0, 2.0, 1.0]))


def absurd(image, modality="CT"):
  found = _likeness.absurdities(image, modality)
  assert all(one.absurd for one in found)
  return " ".join(one.text for one in found)


def test_a_phantom_of_water_is_refused():
  noise = np.random.default_rng(0).normal(0, 30, (8, 64, 64))
  assert "one density" in absurd(scan(noise))
  with_bone = np.where(noise > 45, 700, noise)  # A few voxels of 64.
  assert absurd(scan(with_bone)) == ""
  tissue = np.where(np.mgrid[:8, :64, :64][2] > 32, -90, 40)
  assert absurd(scan(tissue)) == ""


def test_what_is_not_in_hu_is_refused():
  image = scan(500)
  shifted = image.with_array(image.array + 1000)
  assert "from 0 to 1500, and neither air nor fat" in absurd(shifted)
  assert absurd(shifted, "MR") == ""


def test_a_few_slices_are_no_scan():
  tissue = np.where(np.mgrid[:2, :64, :64][2] > 32, -90, 40)
  assert "has 2 slices" in absurd(scan(tissue, 2))
  assert "has 1 slice;" in absurd(scan(tissue[:1], 1))


def test_a_body_part_is_remarked_where_the_organ_is_elsewhere():
  for said in ("", "HEADNECK", "HEAD & NECK", "CSPINE", "Whole Body"):
    assert not _likeness.body_part(said, ["parotid_left"])
  (one,) = _likeness.body_part("PELVIS", ["parotid_left"])
  assert "'PELVIS'" in one.text and not one.absurd
  assert not _likeness.body_part("CHEST", ["spinal_cord", "esophagus"])


def test_absurd_remarks_refuse_unless_wanted():
  remarks = [_likeness.Remark("odd"), _likeness.Remark("mad", absurd=True)]
  with pytest.raises(errors.DataError, match=r"^here: mad; give .* --anyway"):
    _likeness.refuse(remarks, "here", anyway=False)
  _likeness.refuse(remarks, "here", anyway=True)
  _likeness.refuse(remarks[:1], "here", anyway=False)


def test_what_holds_for_all_is_said_once_with_the_widest_range():
  wide = {"measures": {"pixel_mm": [1.0, 1.0, 2.0], "slice_mm": [3, 3, 3]}}
  here = {"pixel_mm": 9.9, "slice_mm": 2.0}
  told = _likeness.shared(
    {
      "": [_likeness.Remark("odd")],
      "a": _likeness.compare(here, KNOWN),
      "b": _likeness.compare(here, wide),
    }
  )
  assert [one.text for one in told[""]] == [
    "odd", "pixel spacing 9.9 mm, in training 0.9 to 2 mm"
  ]  # fmt: skip
  assert told[""][1].absurd  # It is for one of them.
  assert told["a"] == []
  assert ["distance of slices 2 mm" in one.text for one in told["b"]] == [True]
