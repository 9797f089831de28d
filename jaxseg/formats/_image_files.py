"""Images: NIfTI and MetaImage, NRRD through SimpleITK, and pictures."""

import math
import pathlib
import re
from typing import Any

import numpy as np

from jaxseg import _extras
from jaxseg import _text
from jaxseg import errors
from jaxseg.formats import _held
from jaxseg.formats import _metaimage
from jaxseg.formats import _nifti
from jaxseg.formats import _paths
from jaxseg.formats import _pictures

_MAX_HEADER = 1 << 20
# As lenient as ITK, which takes any case; pynrrd takes lower case only.
_DATA_FILE = re.compile(rb"(?im)^data ?file: *([^\r\n]*)")


def read(path: pathlib.Path) -> tuple[np.ndarray, np.ndarray | None]:
  """Reads an image.

  Returns:
    Values `[channel, slice, row, column]` as stored, and the affine float64
    `[4, 4]`, LPS, mm; None of a picture, which has no geometry.
  """
  return _held.once(path, lambda: _read_any(path))


def _read_any(path: pathlib.Path) -> tuple[np.ndarray, np.ndarray | None]:
  match _paths.suffix(path):
    case ".nii" | ".nii.gz":
      return _nifti.read(path)
    case ".mha" | ".mhd":
      return _metaimage.read(path)
    case ".png" | ".tif" | ".tiff":
      return _pictures.read(path), None
  return _read_nrrd(path)


def detached(path: pathlib.Path) -> tuple[pathlib.Path, ...]:
  """The data files that an image's header names."""
  match _paths.suffix(path):
    case ".mha" | ".mhd":
      return _metaimage.detached(path)
    case ".nrrd" | ".nhdr":
      named = _DATA_FILE.findall(nrrd_header(path))
      return tuple(
        _paths.detached(path, name.decode("utf-8", "replace").strip())
        for name in named
      )
  return ()


def segment(path: pathlib.Path, name: str) -> tuple[int, int] | None:
  """The layer and label of a segment of a Slicer segmentation (.seg.nrrd).

  Args:
    path: A NRRD file.
    name: The segment's name, exactly as it is written there.

  Returns:
    Channel and label; None where the header names no segments.
  """
  nrrd = _extras.load("nrrd", extra="io")
  lines = nrrd_header(path).decode("utf-8", "replace").splitlines()
  try:
    header = nrrd.read_header(lines)
    names = {
      field.removesuffix("_Name"): value
      for field, value in header.items()
      if re.fullmatch(r"Segment[0-9]+_Name", field)
    }
    if not names:
      return None
    found = [field for field, value in names.items() if value == name]
    if len(found) != 1:
      listed = ", ".join(_text.shown(one) for one in list(names.values())[:20])
      raise errors.StructureNotFoundError(
        f"{path}: {len(found)} of its segments are named {_text.shown(name)};"
        f" it holds {listed}; give one of them or a number (--label)"
      )
    # Older versions of Slicer wrote a channel for each segment, and neither.
    layer = header.get(f"{found[0]}_Layer", found[0].removeprefix("Segment"))
    return int(layer), int(header.get(f"{found[0]}_LabelValue", 1))
  except (nrrd.NRRDError, ValueError) as e:
    raise errors.DataError(
      f"{path}: its NRRD header cannot be parsed ({_text.shown(e)}); write the"
      " file again"
    ) from e


def nrrd_header(path: pathlib.Path) -> bytes:
  """The lines of a NRRD file in front of its values."""
  try:
    with open(path, "rb") as file:
      start = file.read(_MAX_HEADER)
  except OSError as e:
    raise _paths.unreadable(path, e) from e
  if not start.startswith(b"NRRD000"):
    raise errors.DataError(
      f"{path}: does not begin as NRRD does; copy or write the file again"
    )
  # The header ends at the first empty line, or with the file.
  header = re.split(rb"\r?\n\r?\n", start, maxsplit=1)[0]
  if len(header) == _MAX_HEADER:
    raise errors.LimitError(
      f"{path}: its header is longer than {_MAX_HEADER} bytes; write the file"
      " again without its comments"
    )
  return header


def _read_nrrd(path: pathlib.Path) -> tuple[np.ndarray, np.ndarray]:
  detached(path)  # Refuses to follow what is no plain name.
  sitk = _extras.load("SimpleITK", extra="io")
  sitk.ProcessObject.SetGlobalWarningDisplay(False)  # They go to the console.
  reader = sitk.ImageFileReader()
  reader.SetImageIO("NrrdImageIO")
  reader.SetFileName(str(path))
  try:
    reader.ReadImageInformation()
    # At most 8 bytes a value; the type is not known to SimpleITK for all.
    values = math.prod(reader.GetSize()) * reader.GetNumberOfComponents()
    _paths.check_size(path, 8 * values)
    image = reader.Execute()
    array = sitk.GetArrayFromImage(image)
  except (RuntimeError, MemoryError) as e:
    raise _error(path, e) from e
  return _channels(path, array, image), _affine(image)


def _channels(path: pathlib.Path, array: np.ndarray, image: Any) -> np.ndarray:
  """Values as `[channel, slice, row, column]`."""
  if image.GetNumberOfComponentsPerPixel() > 1:
    array = np.moveaxis(array, -1, 0)
    more = array.shape[1:-3]
    if any(length > 1 for length in more):
      raise errors.DataError(
        f"{path}: has {len(array)} components in {image.GetDimension()}"
        " dimensions; save channels along one axis only"
      )
  else:
    more = array.shape[:-3]
    if sum(length > 1 for length in more) > 1:
      raise errors.DataError(
        f"{path}: has lengths {image.GetSize()}, more than one axis beyond"
        " three; save channels along one axis only"
      )
  space = array.shape[-3:] if image.GetDimension() > 2 else array.shape[-2:]
  return array.reshape(-1, *(1, *space)[-3:])


def _affine(image: Any) -> np.ndarray:
  count = image.GetDimension()
  direction = np.reshape(image.GetDirection(), (count, count))
  steps = direction * np.array(image.GetSpacing())  # A column for each axis.
  return _metaimage.affine(steps, np.array(image.GetOrigin()))


def _error(path: pathlib.Path, cause: Exception) -> errors.JaxsegError:
  """The one line of ITK's many that says why."""
  lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
  reason = lines[-1].rpartition("): ")[2] if lines else "out of memory"
  geometry = any(
    word in str(cause).lower()
    for word in ("orthonormal", "direction", "determinant", "spacing")
  )
  if geometry:
    return errors.GeometryError(
      f"{path}: ITK refuses its geometry ({_text.shown(reason)}); write the"
      " file again with orthogonal axes of finite spacing"
    )
  return errors.DataError(
    f"{path}: cannot be read ({_text.shown(reason)}); copy or write the file"
    " again"
  )
