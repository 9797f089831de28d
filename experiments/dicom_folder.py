"""Flags that say how a folder of DICOM is read as a cohort."""

from absl import flags

from jaxseg import cohorts
from jaxseg import structures

_ALIASES = flags.DEFINE_string(
  "aliases",
  None,
  'DICOM: JSON file of your names, {"their name": "parotid_left"}; null'
  " leaves a name aside. They come before the built-in names.",
)
_ON_TWO = flags.DEFINE_enum(
  "on_two",
  "refuse",
  ["refuse", "first", "largest", "newest"],
  "DICOM: where two contours fit one structure equally well.",
)
_STRUCTURE_SET = flags.DEFINE_string(
  "structure_set",
  "newest",
  "DICOM: which of several structure sets of a patient: newest, refuse (the"
  " patient), or a label.",
)
_COMBINE = flags.DEFINE_enum(
  "combine",
  "even-odd",
  ["even-odd", "union"],
  "DICOM: how the closed contours of a slice go together.",
)
_REPAIR = flags.DEFINE_list(
  "repair",
  [],
  "DICOM: what may be repaired in a CT, a list of spacing (resample uneven"
  " slices), tilt (shear), truncated (take as missing), stray_bits (keep).",
)


def open_folder(folder: str) -> cohorts.DicomFolder:
  """The cohort of a folder, as the flags say.

  Raises:
    DataError: The folder or the file of names cannot be used.
    ConfigError: A flag is wrong.
  """
  aliases = structures.read_aliases(_ALIASES.value) if _ALIASES.value else None
  return cohorts.DicomFolder(
    folder,
    aliases=aliases,
    on_two=_ON_TWO.value,
    structure_set=_STRUCTURE_SET.value,
    combine=_COMBINE.value,
    repair=[name for name in _REPAIR.value if name],
  )


def is_asked_for() -> bool:
  """Whether any of these flags was given."""
  every = _ALIASES, _ON_TWO, _STRUCTURE_SET, _COMBINE, _REPAIR
  return any(flag.present for flag in every)
