"""Which files are known, by the end of their names."""

import pathlib

from jaxseg import errors

IMAGES = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")
KNOWN = (*IMAGES, ".npy", ".npz", ".dcm")


def suffix(path: pathlib.Path) -> str:
  """The known suffix a name ends in, lower-case; "" if there is none."""
  name = path.name.lower()
  return next((end for end in KNOWN if name.endswith(end)), "")


def stem(path: pathlib.Path) -> str:
  """The name without its known suffix."""
  return path.name[: len(path.name) - len(suffix(path))]


def kind(path: pathlib.Path) -> str:
  """The suffix that says how a file is read; DICOM needs none.

  Raises:
    DataError: There is no such file, or it is of no known kind.
  """
  if not path.is_file():
    what = "is a folder" if path.is_dir() else "no such file"
    raise errors.DataError(f"{path}: {what}; give a file that exists")
  if found := suffix(path):
    return found
  try:
    with open(path, "rb") as file:
      start = file.read(132)
  except OSError as e:
    raise unreadable(path, e) from e
  if start[128:] == b"DICM":
    return ".dcm"
  raise errors.DataError(
    f"{path}: is of no known kind; convert it to one of {', '.join(KNOWN)}"
  )


def unreadable(path: pathlib.Path, reason: OSError) -> errors.DataError:
  """The error for a file the system does not let us read."""
  return errors.DataError(
    f"{path}: cannot be read ({reason.strerror or 'broken'}); check path and"
    " permission"
  )
