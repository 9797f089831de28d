import json

import numpy as np
import pytest

from jaxseg import errors
from jaxseg import formats
from tests.cohorts import drawn


def test_find_masks_leaves_maps_and_hidden_files_out(tmp_path):
  for name in ("a.nii.gz", "a.npz", "deep/b.nrrd", ".c.nii.gz", "x.png"):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"")
  found = [p.relative_to(tmp_path) for p in formats.find_masks(tmp_path)]
  assert list(map(str, found)) == ["a.nii.gz", "deep/b.nrrd"]
  (tmp_path / "empty").mkdir()
  with pytest.raises(errors.DataError, match="holds no masks; give DICOM"):
    formats.find_masks(tmp_path / "empty")


def test_labels_in_names_what_a_map_holds(tmp_path):
  path = drawn.labels(tmp_path / "map", drawn.CORD, drawn.LEFT)
  assert formats.labels_in(path) == ({"1": 1, "2": 2}, False)
  (tmp_path / "dataset.json").write_text(
    json.dumps(
      {"labels": {"background": 0, "cord": 1, "both": [1, 3], "ignore": 9}}
    )
  )
  names = {"cord": "cord", "both": "both", "2": 2}
  assert formats.labels_in(path) == (names, True)


def test_labels_in_names_the_segments_of_3d_slicer(tmp_path):
  nrrd = pytest.importorskip("nrrd")
  path = tmp_path / "a.seg.nrrd"
  header = {"Segment0_Name": "Cord", "Segment0_LabelValue": "1"}
  nrrd.write(str(path), drawn.CORD.astype(np.uint8), header)
  assert formats.labels_in(path) == ({"Cord": "Cord"}, True)


@pytest.mark.parametrize(
  ("values", "said"),
  [
    (np.linspace(0, 1, 8), "fractional values from 0 to 1, so it is no mask"),
    (np.arange(-1000, 1000), "2000 values from -1000 to 999, as an image does"),
    (np.array([0, np.nan]), "NaN or infinity"),
  ],
)
def test_labels_in_refuses_what_is_no_label_map(tmp_path, values, said):
  np.save(tmp_path / "a.npy", values.reshape(1, 1, -1).astype(np.float32))
  with pytest.raises(errors.DataError, match=said):
    formats.labels_in(tmp_path / "a.npy")
