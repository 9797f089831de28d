"""A sweep that shows cases on their images."""

import json
import re

import numpy as np
import pytest

from tests.cli import command
from tests.study import made

FEW = ("--resamples=20", "--workers=1", "--thresholds=101")
MAPS = ("--probabilities=p", "--reference=r")
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  found = tmp_path_factory.mktemp("images")
  for seed, name in enumerate(("a", "b", HOSTILE)):
    p, y = made.case(seed)
    made.write(p, found / "p" / f"{name}.nii.gz")
    made.write(y.astype(np.uint8), found / "r" / f"{name}.nii.gz")
    image = np.where(y, 50, -950).astype(np.int16)
    if name != "b":
      made.write(image, found / "i" / f"{name}_0000.nii.gz")
  return found


@pytest.mark.slow
def test_the_page_shows_cases_on_their_images(folder):
  out = command.done("sweep", *MAPS, "--images=i", *FEW, folder=folder)
  assert "2 of 3 cases have an image" in out
  page = (folder / "runs/sweep/report/index.html").read_text("utf-8")
  data = re.search(r'id="viewer-data">(.*)</script>', page)[1]
  scenes = {one["patient"]: one for one in json.loads(data)["scenes"]}
  assert set(scenes) == {"a", "b", HOSTILE}
  assert scenes["b"]["images"] is None
  assert len(scenes["a"]["images"]) == 4
  assert HOSTILE not in page


@pytest.mark.parametrize(
  ("images", "said"),
  [
    ("nowhere", "nowhere: no such file or folder; check the path"),
    ("other", "other holds no image that is named as a reference is, such as"),
  ],
)
def test_images_of_no_case_are_refused_before_anything_is_counted(
  folder, images, said
):
  made.write(np.zeros((2, 2, 2), np.int16), folder / "other" / "xyz.nii.gz")
  flags = (*MAPS, f"--images={images}", "--output=refused")
  line = command.refused("sweep", *flags, folder=folder)
  assert line.startswith(f"--images: {said}")
  assert not (folder / "refused" / "counts").exists()


def test_images_are_of_maps(folder):
  line = command.refused("sweep", "--images=i", folder=folder)
  assert "--images" in line
  assert "--probabilities" in line
