r"""From a CT folder and an RTSTRUCT to masks: error voxels and time.

    python -m benchmarks.rtstruct_bench --sts=dicom/sts/STS_013_CT

Beside rt-utils and dcmrtstruct2nii (Python), and plastimatch (C++) where it is
installed, on a phantom of 512 x 512 x 200 voxels with 20 structures, and on a
real case if one is given. All start from the same files; each round times all
readers in turn. Masks of the phantom are checked against matplotlib's point in
polygon test, those of the real case against its makers' reference.
"""

import contextlib
import io
import pathlib
import shutil
import subprocess
import tempfile
import time
import warnings

from absl import app
from absl import flags
from absl import logging
import matplotlib.path
import numpy as np
import pydicom
from pydicom.dataset import Dataset
import SimpleITK as sitk

from jaxseg import dicom
from tests.dicom import ct_double
from tests.dicom import rt_double

_STS = flags.DEFINE_string("sts", None, "Folder of a case with a reference.")
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Rounds; the fastest counts.")
_STRUCTURES = flags.DEFINE_integer(
  "structures", 20, "Structures of the phantom."
)
_SLICES = flags.DEFINE_integer(
  "slices", 200, "Slices of the phantom; at least 40.", lower_bound=40
)


def ours(images, rtstruct, _):
  image = dicom.read_ct(images)
  return dict(dicom.read_rtstruct(rtstruct).masks(image))


def rt_utils(images, rtstruct, _):
  import rt_utils as peer

  read = peer.RTStructBuilder.create_from(str(images), str(rtstruct))
  # Rows, columns, slices; its slices ascend as ours do.
  return {
    name: read.get_roi_mask_by_name(name).transpose(2, 0, 1)
    for name in read.get_roi_names()
  }


def dcmrtstruct2nii(images, rtstruct, folder):
  with contextlib.redirect_stdout(io.StringIO()):
    import dcmrtstruct2nii as peer

    # Its last release calls what pydicom 3 has renamed.
    pydicom.read_file = pydicom.dcmread
    peer.dcmrtstruct2nii(
      str(rtstruct), str(images), str(folder), gzip=False,
      convert_original_dicom=False,
    )  # fmt: skip
  return {
    path.stem.removeprefix("mask_"): read_mask(path)
    for path in folder.glob("*.nii")
  }


def plastimatch(images, rtstruct, folder):
  command = [
    "plastimatch", "convert", "--input", rtstruct, "--referenced-ct", images,
    "--output-prefix", folder, "--prefix-format", "nrrd",
  ]  # fmt: skip
  words = [str(part) for part in command]
  subprocess.run(words, check=True, capture_output=True)
  return {path.stem: read_mask(path) for path in folder.glob("*.nrrd")}


def read_mask(path):
  return sitk.GetArrayFromImage(sitk.ReadImage(path)) > 0


READERS = {
  "jaxseg": ours,
  "rt-utils": rt_utils,
  "dcmrtstruct2nii": dcmrtstruct2nii,
  "plastimatch": plastimatch,
}


def phantom(folder: pathlib.Path):
  """Writes a series and its structures; the masks by another tool."""
  shape = (_SLICES.value, 512, 512)
  ct_double.ct_series(
    folder / "ct", shape=shape, spacing=(2.0, 0.9765625, 0.9765625)
  )
  image = dicom.read_ct(folder / "ct")
  draw = np.random.default_rng(0)
  rois, expected = {}, {}
  steps = np.stack([image.grid.row_step, image.grid.column_step])
  to_index = np.linalg.pinv(steps)  # Millimetres in a slice -> row, column.
  rows, columns = np.mgrid[: shape[1], : shape[2]]
  centres = np.stack([rows.ravel(), columns.ravel()], axis=1)
  for number in range(_STRUCTURES.value):
    name = f"structure_{number}"
    body = number == 0
    first = 0 if body else int(draw.integers(5, shape[0] * 3 // 5))
    last = shape[0] if body else first + int(draw.integers(20, 75))
    last = min(last, shape[0])
    middle = (256, 256) if body else draw.uniform(130, 380, 2)
    radii = (150, 210) if body else draw.uniform(8, 55, 2)
    contours = []
    mask, border = np.zeros(shape, bool), np.zeros(shape, bool)
    for k in range(first, last):
      turn = np.sort(draw.uniform(0, 2 * np.pi, int(draw.integers(60, 300))))
      wave = 1 + 0.1 * np.sin(5 * turn + 0.1 * k)
      ring = np.stack(
        [
          middle[0] + radii[0] * wave * np.sin(turn),
          middle[1] + radii[1] * wave * np.cos(turn),
        ],
        axis=1,
      )
      # What the file says is what all readers are given: mm, 4 decimals.
      points = np.round(image.grid.lps(k, ring), 4)
      ring = (points - image.grid.positions[k]) @ to_index
      contours.append(rt_double.Drawn(points, images=[image.instances[k]]))
      box = matplotlib.path.Path(ring).get_extents()
      near = ((centres >= box.min - 1) & (centres <= box.max + 1)).all(1)
      path = matplotlib.path.Path(ring)
      wide, narrow = (
        path.contains_points(centres[near], radius=radius)
        for radius in (4e-6, -4e-6)
      )
      place = np.flatnonzero(near)
      mask[k].ravel()[place[path.contains_points(centres[near])]] = True
      # On the border tools may differ, and matplotlib does not know it.
      border[k].ravel()[place[wide != narrow]] = True
    rois[name], expected[name] = contours, (mask, ~border)
  path = rt_double.structure_set(
    folder / "rt.dcm", rois, change=lambda d: refer(d, image)
  )
  return folder / "ct", path, expected


def real(case: pathlib.Path, folder: pathlib.Path):
  """A real case; its references are mended, or rt-utils refuses it."""
  image = dicom.read_ct(case / "image")
  with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    dataset = pydicom.dcmread(case / "rtstruct.dcm")
    for item in dataset.ROIContourSequence[0].ContourSequence:
      point = np.array(item.ContourData[:3], np.float64)
      along = (point - image.grid.positions[0]) @ image.grid.normal
      instance = image.instances[int(image.grid.nearest(along))]
      item.ContourImageSequence = [referred(instance)]
    refer(dataset, image)
    dataset.save_as(folder / "rt.dcm")
  (name,) = dicom.read_rtstruct(folder / "rt.dcm").names
  mask = read_mask(case / "reference_mask.nii.gz")
  decided = np.ones(mask.shape, bool)
  return case / "image", folder / "rt.dcm", {name: (mask, decided)}


def refer(dataset: Dataset, image: dicom.Image) -> None:
  """Lists every slice of the series in a structure set."""
  frame = dataset.ReferencedFrameOfReferenceSequence[0]
  series = frame.RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
  series.ContourImageSequence = [referred(one) for one in image.instances]


def referred(instance: str) -> Dataset:
  item = Dataset()
  item.ReferencedSOPClassUID = pydicom.uid.CTImageStorage
  item.ReferencedSOPInstanceUID = instance
  return item


def compare(masks, expected) -> str:
  """Number of voxels that differ, or what else is wrong."""
  count = 0
  for name, (mask, decided) in expected.items():
    if name not in masks:
      return f"no {name}"
    if masks[name].shape != mask.shape:
      return f"grid {masks[name].shape}, not {mask.shape}"
    count += int(((masks[name] != mask) & decided).sum())
  return str(count)


def measure(title, images, rtstruct, expected) -> None:
  readers = {
    name: read for name, read in READERS.items()
    if name != "plastimatch" or shutil.which(name)
  }  # fmt: skip
  seconds: dict[str, list[float]] = {name: [] for name in readers}
  wrong: dict[str, str] = {}
  for _ in range(_ROUNDS.value):
    for name, read in readers.items():
      with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        try:
          masks = read(images, rtstruct, pathlib.Path(folder))
        except Exception as e:
          wrong[name] = f"fails: {type(e).__name__}: {str(e)[:60]}"
          continue
        seconds[name].append(time.perf_counter() - begin)
        wrong[name] = compare(masks, expected)
  voxels = sum(int(mask.sum()) for mask, _ in expected.values())
  print(f"\n{title}: {voxels} voxels in {len(expected)} structures\n")
  print("| reader | seconds | ratio to jaxseg | voxels that differ |")
  print("| --- | ---: | ---: | ---: |")
  own = min(seconds["jaxseg"])
  for name in readers:
    best = min(seconds[name], default=float("nan"))
    print(f"| {name} | {best:.3f} | {best / own:.1f} | {wrong[name]} |")


def main(_) -> None:
  logging.set_verbosity(logging.ERROR)
  warnings.simplefilter("ignore")
  with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    if _STS.value:
      case = pathlib.Path(_STS.value)
      measure(f"Real case {case.name}", *real(case, folder))
    measure(
      f"Phantom, 512 x 512 x {_SLICES.value}", *phantom(folder / "phantom")
    )


if __name__ == "__main__":
  app.run(main)
