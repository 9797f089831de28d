"""Scores of anyone's contours: of known values, and of what is not there."""

import json
import math

import numpy as np
import pytest

from jaxseg import cohorts
from jaxseg import dicom
from jaxseg import study
from jaxseg import volume
from tests.cohorts import drawn
from tests.metrics.surface import surfaces


def _scores(ours, theirs, *, beside=(), **options):
  """Rows by structure, of the only pair of cases."""
  sides = [cohorts.open_side(one, beside=beside) for one in (ours, theirs)]
  (pair,) = cohorts.pair_cases(*sides)
  rows = study.evaluate_case(
    pair,
    predictions=sides[0],
    references=sides[1],
    options=study.EvaluateOptions(**options),
  )
  return {row["structure"]: row for row in rows}


@pytest.mark.slow
def test_golden_values(golden, tmp_path):
  sitk = pytest.importorskip("SimpleITK")
  checked = 0
  for name, case, prediction, reference in surfaces.golden_cases(golden):
    if len(case["shape"]) != 3:
      continue
    for side, mask in (("ours", prediction), ("theirs", reference)):
      image = sitk.GetImageFromArray(mask.astype(np.uint8))
      image.SetSpacing(case["spacing"][::-1])
      (tmp_path / side).mkdir(exist_ok=True)
      # As text with all digits; NIfTI rounds spacings to float32.
      sitk.WriteImage(image, str(tmp_path / side / f"{name}.nrrd"), True)
    options = study.EvaluateOptions()
    row = study.evaluate_case(
      (name, name),
      predictions=cohorts.MaskFiles(tmp_path / "ours" / f"{name}.nrrd"),
      references=cohorts.MaskFiles(tmp_path / "theirs" / f"{name}.nrrd"),
      options=options,
    )
    if not (prediction.any() or reference.any()):
      assert row == []
      continue
    (row,) = row
    assert row["reference_voxels"] == case["n_gt"]
    assert row["predicted_voxels"] == case["n_pred"]
    top, bottom = case["dice_exact"]
    assert row["dice"] == pytest.approx(top / bottom, rel=1e-15)
    peer = case["deepmind"]
    if row["status"] == "scored":
      assert row["hd_mm"] == pytest.approx(peer["hd100"], rel=1e-9)
      assert row["hd95_mm"] == pytest.approx(peer["hd95"], rel=1e-9)
      for mm, share in peer["nsd"].items():
        assert row[f"nsd_{mm}"] == pytest.approx(share, rel=1e-9)
    else:
      assert row["hd95_mm"] == math.inf and row["nsd_2"] == 0
    checked += 1
  assert checked > 20


def test_voxel_surfaces_equal_golden_values(golden, tmp_path):
  cases = surfaces.golden_cases(golden)
  case, *masks = next(one[1:] for one in cases if one[0] == "tube_broken")
  affine = np.diag([*case["spacing"], 1.0])[[2, 1, 0, 3]]
  grid = volume.Grid.from_affine(case["shape"], affine)
  for side, mask in zip(("ours", "theirs"), masks, strict=True):
    drawn.labels(tmp_path / side / "case", mask, grid=grid)
  found = _scores(tmp_path / "ours", tmp_path / "theirs", surface="voxel")
  exact = case["exact_voxel"]
  for ours, theirs in (("hd95_mm", "hd95"), ("assd_mm", "assd")):
    assert found["1"][ours] == pytest.approx(exact[theirs], rel=1e-6)


def test_formats_agree_to_the_voxel(tmp_path):
  image = drawn.patient(tmp_path / "ref")
  moved = {n: np.roll(m, 1, axis=2) for n, m in drawn.MASKS.items()}
  dicom.write_rtstruct(tmp_path / "rt" / "r.dcm", moved, image)
  drawn.files(
    tmp_path / "files" / "p1",
    {"SpinalCord": moved["SpinalCord"], "parotid_left": moved["Parotid_L"]},
  )
  by_rt = _scores(tmp_path / "rt", tmp_path / "ref", beside=[tmp_path / "ref"])
  by_file = _scores(tmp_path / "files", tmp_path / "ref")
  assert list(by_rt) == ["spinal_cord", "parotid_left", "GTV-1 <b>"]
  for structure in ("spinal_cord", "parotid_left"):
    ours, theirs = by_rt[structure], by_file[structure]
    assert ours["status"] == "scored" and 0.5 < ours["dice"] < 1
    assert ours["added_path_mm"] > 0
    for name, value in ours.items():
      if isinstance(value, float):
        assert value == pytest.approx(theirs[name], rel=1e-6), name
  assert by_rt["spinal_cord"]["reference_ml"] == pytest.approx(
    drawn.CORD.sum() * 3 * 1.25 * 1.5 / 1000
  )


def test_overlaps_by_hand(tmp_path):
  ours = drawn.box((0, 1), (0, 1), (0, 4))
  theirs = drawn.box((0, 1), (0, 1), (1, 3))
  drawn.labels(tmp_path / "a" / "x", ours)
  drawn.labels(tmp_path / "b" / "x", theirs)
  row = _scores(tmp_path / "a", tmp_path / "b")["1"]
  assert row["dice"] == pytest.approx(4 / 6)
  assert row["iou"] == row["precision"] == 0.5
  assert row["recall"] == 1
  assert row["volume_difference"] == 1
  assert row["volume_similarity"] == pytest.approx(1 - 2 / 6)
  assert row["hd_mm"] == pytest.approx(1.5)


@pytest.mark.parametrize(
  ("absent", "status"), [("auto", "no reference"), ("empty", "hallucinated")]
)
def test_what_a_structure_set_does_not_have(tmp_path, absent, status):
  drawn.patient(tmp_path / "ref", masks={"SpinalCord": drawn.CORD})
  drawn.files(
    tmp_path / "pred" / "p1",
    {"SpinalCord": drawn.CORD * False, "Brain": drawn.LEFT},
  )
  found = _scores(tmp_path / "pred", tmp_path / "ref", absent=absent)
  assert found["brain"]["status"] == status
  cord = found["spinal_cord"]
  assert cord["status"] == "missed"
  assert (cord["dice"], cord["hd95_mm"], cord["nsd_2"]) == (0, math.inf, 0)


@pytest.mark.parametrize(
  ("absent", "status"), [("auto", "hallucinated"), ("unknown", "no reference")]
)
def test_what_a_label_map_does_not_show(tmp_path, absent, status):
  drawn.labels(tmp_path / "a" / "x", drawn.CORD, drawn.LEFT)
  drawn.labels(tmp_path / "b" / "x", drawn.CORD)
  found = _scores(tmp_path / "a", tmp_path / "b", absent=absent)
  assert [found["1"]["status"], found["2"]["status"]] == ["scored", status]


def test_an_empty_structure_set_entry_is_no_reference(tmp_path):
  masks = {"SpinalCord": drawn.CORD, "Brain": drawn.CORD * False}
  drawn.patient(tmp_path / "ref", masks=masks)
  drawn.files(
    tmp_path / "pred" / "p1", {"Brain": drawn.LEFT, "SpinalCord": drawn.CORD}
  )
  row = _scores(tmp_path / "pred", tmp_path / "ref")["brain"]
  assert row["status"] == "no reference"
  assert row["reason"] == "named, and has no closed contour"


def test_ignored_voxels_do_not_count(tmp_path):
  said = {"labels": {"background": 0, "cord": 1, "ignore": 2}}
  for side, mask in (("a", drawn.CORD | drawn.LEFT), ("b", drawn.CORD)):
    extra = () if side == "a" else (drawn.LEFT,)
    drawn.labels(tmp_path / side / "x", mask, *extra)
  (tmp_path / "b" / "dataset.json").write_text(json.dumps(said))
  row = _scores(tmp_path / "a", tmp_path / "b")["spinal_cord"]
  assert row["dice"] == 1 and row["hd_mm"] == 0
  assert row["specificity"] == 1
  assert (
    f"{drawn.LEFT.sum()} voxels of the reference are unknown" in (row["notes"])
  )


def test_slices_passed_over_in_drawing_do_not_count(tmp_path):
  skipped = drawn.box((0, 6), (3, 9), (3, 9))
  skipped[2] = False  # Of six slices one has no contour.
  drawn.patient(tmp_path / "ref", masks={"Brain": skipped})
  drawn.files(
    tmp_path / "pred" / "p1", {"Brain": drawn.box((0, 6), (3, 9), (3, 9))}
  )
  row = _scores(tmp_path / "pred", tmp_path / "ref")["brain"]
  assert row["dice"] == 1


def test_another_grid_is_refused_or_interpolated(tmp_path):
  affine = drawn.AFFINE.copy()
  affine[:3, 3] += 0.5 * affine[:3, 2]
  grid = volume.Grid.from_affine(drawn.SHAPE, affine)
  drawn.labels(tmp_path / "a" / "x", drawn.CORD, grid=grid)
  drawn.labels(tmp_path / "b" / "x", drawn.CORD)
  row = _scores(tmp_path / "a", tmp_path / "b")["1"]
  assert row["status"] == "refused"
  assert "are on different grids" in row["reason"]
  assert "--resample" in row["reason"]
  for side in ("a", "b"):
    assert str(tmp_path / side / "x.nii.gz") in row["reason"]
  row = _scores(tmp_path / "a", tmp_path / "b", resample=True)["1"]
  assert row["status"] == "scored" and row["dice"] > 0.7
  assert "interpolated" in row["notes"]


def test_the_same_voxels_in_another_order_are_the_same(tmp_path):
  affine = drawn.AFFINE.copy()
  affine[:, 3] += (drawn.SHAPE[0] - 1) * affine[:, 0]
  affine[:, 0] *= -1
  grid = volume.Grid.from_affine(drawn.SHAPE, affine)
  drawn.labels(tmp_path / "a" / "x", drawn.CORD[::-1], grid=grid)
  drawn.labels(tmp_path / "b" / "x", drawn.CORD)
  assert _scores(tmp_path / "a", tmp_path / "b")["1"]["dice"] == 1


def test_two_names_for_one_structure(tmp_path):
  masks = {"Parotid_L": drawn.LEFT, "Lt Parotid": drawn.CORD}
  drawn.patient(tmp_path / "ref", masks=masks)
  union = drawn.LEFT | drawn.CORD
  drawn.files(tmp_path / "pred" / "p1", {"parotid_left": union})
  # The exact name comes first.
  row = _scores(tmp_path / "pred", tmp_path / "ref")["parotid_left"]
  assert row["reference_name"] == "Parotid_L" and row["dice"] < 1
  masks = {"Parotid Left": drawn.LEFT, "Lt Parotid": drawn.CORD}
  drawn.patient(tmp_path / "ref2", masks=masks)
  row = _scores(tmp_path / "pred", tmp_path / "ref2")["parotid_left"]
  assert row["status"] == "refused" and "--on_two" in row["reason"]
  row = _scores(tmp_path / "pred", tmp_path / "ref2", on_two="union")
  assert row["parotid_left"]["dice"] == 1


def test_files_without_geometry_have_no_distances(tmp_path):
  for side in "ab":
    (tmp_path / side).mkdir()
    np.save(tmp_path / side / "x.npy", drawn.CORD)
  row = _scores(tmp_path / "a", tmp_path / "b")["1"]
  assert row["dice"] == 1 and "hd_mm" not in row
  assert "no distances" in row["reason"]
