import json

import numpy as np
import pytest

from jaxseg import cohorts
from jaxseg import errors
from tests.cohorts import drawn


@pytest.mark.parametrize(
  ("paths", "layout", "cases"),
  [
    (["a.npy", "b.npy"], "cases", ("a", "b")),
    (["Parotid_L.npy", "SpinalCord.npy"], "structures", ("x",)),
    (["a.npy", "b.npy", "ct.npy"], "structures", ("x",)),
    (["a.npy", "ct.npy"], "cases", ("a", "ct")),
    (["a/liver.npy", "b/liver.npy"], "cases", ("a", "b")),
    (["a/s/liver.npy", "b/s/liver.npy", "b/s/q.npy"], "structures", ("a", "b")),
    (["a/brain.npy", "a/image.npy", "b/brain.npy", "b/ct.npy"], "cases", None),
  ],
)
def test_layout(tmp_path, paths, layout, cases):
  for path in paths:
    place = tmp_path / "x" / path
    place.parent.mkdir(parents=True, exist_ok=True)
    np.save(place, drawn.CORD)
  side = cohorts.MaskFiles(tmp_path / "x")
  assert side.layout == layout
  assert cases is None or side.cases == cases


def test_a_folder_of_each_case_leaves_its_image_out(tmp_path):
  for case in ("a", "b"):
    drawn.files(tmp_path / case, {"Brain": drawn.CORD, "image": drawn.LEFT})
  side = cohorts.MaskFiles(tmp_path, layout="structures")
  opened = side.open("b")
  assert [one.name for one in opened.named] == ["Brain"]
  assert not opened.complete and not side.needs_grid("b")
  found = opened.contour("Brain").mask
  np.testing.assert_array_equal(found.array, drawn.CORD)


def test_a_label_map_knows_what_is_unknown(tmp_path):
  said = {"labels": {"background": 0, "cord": 1, "left": 2, "ignore": 3}}
  (tmp_path / "dataset.json").write_text(json.dumps(said))
  drawn.labels(tmp_path / "a", drawn.CORD, drawn.LEFT, drawn.GTV)
  opened = cohorts.MaskFiles(tmp_path).open("a")
  assert [one.name for one in opened.named] == ["cord", "left"]
  assert opened.complete
  found = opened.contour("cord")
  np.testing.assert_array_equal(found.unknown, drawn.GTV)


def test_a_file_of_one_structure_has_one_label(tmp_path):
  two = drawn.CORD + 2 * drawn.LEFT.astype(np.uint8)
  drawn.files(tmp_path / "case", {"Brain": drawn.CORD, "Eye_L": two})
  opened = cohorts.MaskFiles(tmp_path, layout="structures").open("case")
  assert opened.contour("Brain").mask.array.any()
  with pytest.raises(errors.DataError, match="labels 1, 2, though .*--layout"):
    opened.contour("Eye_L")


def test_of_a_listed_folder_only_what_is_given_counts(tmp_path):
  drawn.files(tmp_path, {"x": drawn.CORD, "y": drawn.LEFT, "image": drawn.CORD})
  rows = [{"name": n.upper(), "file": f"{n}.nii.gz"} for n in "xy"]
  (tmp_path / "structures.json").write_text(json.dumps({"structures": rows}))
  side = cohorts.MaskFiles(tmp_path / "y.nii.gz")
  assert [one.name for one in side.open(side.cases[0]).named] == ["Y"]
  assert not side.remarks
  (tmp_path / "x.nii.gz").unlink()
  side = cohorts.MaskFiles(tmp_path)
  assert "lists what is not there: x.nii.gz" in str(side.remarks)
  side = cohorts.MaskFiles(tmp_path / "image.nii.gz")
  assert not side.cases and "an image and no mask" in str(side.left_out)


def test_a_list_that_names_files_elsewhere_is_refused(tmp_path):
  drawn.files(tmp_path / "a", {"x": drawn.CORD})
  rows = [{"name": "x", "file": "../../secret.nii.gz"}]
  (tmp_path / "a" / "structures.json").write_text(
    json.dumps({"structures": rows})
  )
  with pytest.raises(errors.DataError, match="is no file beside it"):
    cohorts.MaskFiles(tmp_path)
  (tmp_path / "a" / "structures.json").unlink()
  (tmp_path / "a" / "structures.json").symlink_to("structures.json")
  with pytest.raises(errors.DataError, match="structures.json: cannot be read"):
    cohorts.MaskFiles(tmp_path)
  (tmp_path / "a" / "structures.json").unlink()
  (tmp_path / "a" / "structures.json").write_text('{"structures": 3}')
  with pytest.raises(errors.DataError, match="is no list of structures"):
    cohorts.MaskFiles(tmp_path)


def test_an_unknown_layout_is_refused(tmp_path):
  with pytest.raises(errors.ConfigError, match="layout: 'x' is unknown"):
    cohorts.MaskFiles(tmp_path, layout="x")
