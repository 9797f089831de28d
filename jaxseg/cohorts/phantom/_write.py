"""The phantom as files: a folder of CT and RTSTRUCT for each patient."""

from collections.abc import Callable
import datetime
import pathlib

from jaxseg import _files
from jaxseg import errors
from jaxseg.cohorts.phantom import _phantom

# By this, whatever reads the files can tell that the patients are synthetic.
DESCRIPTION = "jaxseg phantom, made up"
_MARKER = "phantom.json"
# Fixed, so that the files are the same in every run, byte for byte.
_NEVER = datetime.datetime(2000, 1, 1)


def write_phantom(
  folder: pathlib.Path | str,
  phantom: _phantom.Phantom,
  *,
  on_patient: Callable[[str, int, int], None] | None = None,
) -> pathlib.Path:
  """Writes each patient as FOLDER/phantom_000/ct/*.dcm and rtstruct.dcm.

  If it was interrupted, calling it again continues where it stopped.

  Args:
    folder: New, empty, or one that this function began with the same phantom.
    phantom: The patients.
    on_patient: Called after each patient with (name, done, all).

  Returns:
    The folder.

  Raises:
    ExistingOutputError: The folder holds something else.
  """
  folder = pathlib.Path(folder)
  settings = _files.as_json(dict(phantom.describe()))
  marker = folder / _MARKER
  if marker.exists():
    found = _files.read_json(marker)
    if found != settings:
      raise errors.ExistingOutputError(
        f"{folder}: holds another phantom"
        f" ({_files.first_difference(found, settings)}); name another output"
        " or delete it"
      )
    _files.sweep_once(marker)
  elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
    raise errors.ExistingOutputError(
      f"{folder}: not empty and no phantom; name another output"
    )
  else:
    _files.write_json(marker, settings)
  names = phantom.patients()
  for done, name in enumerate(names, start=1):
    if not (folder / name).exists():
      _write_patient(folder / name, phantom, name)
    if on_patient:
      on_patient(name, done, len(names))
  return folder


def _write_patient(
  folder: pathlib.Path, phantom: _phantom.Phantom, name: str
) -> None:
  from jaxseg import dicom  # Needs an extra; the phantom itself does not.

  case = phantom.load(name)
  with _files.new_folder(folder) as temporary:
    series = dicom.write_ct(
      temporary / "ct",
      case.image,
      patient_id=name,
      patient_name="Phantom^Made Up",
      series_description=DESCRIPTION,
      seed=0,
      now=_NEVER,
    )
    dicom.write_rtstruct(
      temporary / "rtstruct.dcm",
      case.masks,
      dicom.read_ct(series),
      label="phantom",
      series_description=DESCRIPTION,
      seed=0,
      now=_NEVER,
    )
