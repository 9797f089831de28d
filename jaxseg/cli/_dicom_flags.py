"""Flags that say how a folder of DICOM is read."""

from collections.abc import Sequence
from typing import Any, TYPE_CHECKING

from jaxseg.cli import _flags

if TYPE_CHECKING:
  from jaxseg import cohorts

NAMES = (
  "aliases",
  "on_two",
  "structure_set",
  "combine",
  "repair",
  "acquisition",
  "limit_s",
  "modality",
  "patients_by",
)


def define(flags: _flags.Flags) -> None:
  """Defines how a folder of DICOM is read."""
  flags.heading("Reading DICOM")
  flags.string(
    "aliases",
    None,
    "FILE",
    'JSON file of your names, {"their name": "parotid_left"}, which come before'
    " the built-in ones; null ignores the name, and a structure that is not"
    ' built in ("tumour_bed") is added.',
    default="none",
  )
  flags.choice(
    "on_two",
    "refuse",
    ("refuse", "first", "largest", "newest", "union"),
    "Which to take when two contours fit one structure equally well; union"
    " takes all of them, as one wants of GTV-1 and GTV-2.",
  )
  flags.choice(
    "modality",
    "CT",
    ("CT", "MR"),
    "Which images; MR signal is scaled by each image's own range.",
  )
  define_contours(flags)


def define_contours(flags: _flags.Flags) -> None:
  """Defines how contours and their images are read, whatever their names."""
  flags.heading("Reading DICOM")
  flags.string(
    "structure_set",
    "merge",
    "WHICH",
    "Which of a patient's structure sets: merge takes each structure from"
    " the newest set that has it, RTSTRUCT before SEG; newest; refuse (the"
    " patient); or a label.",
  )
  _define_patients_by(flags)
  flags.choice(
    "combine",
    "even-odd",
    ("even-odd", "union"),
    "How the closed contours of a slice are combined.",
  )
  _define_repair(
    flags,
    "What may be repaired in a CT: spacing (resample uneven slices), tilt"
    " (shear), truncated (treat as missing), stray_bits (mask to the bits"
    " stored); in an RTSTRUCT or SEG: contours (interpolate slices that were"
    " passed over, which else are unknown), frame_of_reference (accept those"
    " drawn in another one).",
  )
  _define_limits(flags)


def define_images(flags: _flags.Flags) -> None:
  """Defines how scans are read that nobody has contoured."""
  flags.heading("Reading DICOM")
  _define_patients_by(flags)
  _define_repair(
    flags,
    "What may be repaired: spacing (resample uneven slices), tilt (shear),"
    " truncated (treat as missing), stray_bits (mask to the bits stored).",
  )
  _define_limits(flags)


def _define_patients_by(flags: _flags.Flags) -> None:
  flags.choice(
    "patients_by",
    "id",
    ("id", "study"),
    "What makes a patient: PatientID, and name and birth date where these"
    " differ; or each study, where all were given one PatientID and name.",
  )


def _define_repair(flags: _flags.Flags, text: str) -> None:
  flags.names("repair", [], "WHAT", text)


def _define_limits(flags: _flags.Flags) -> None:
  flags.string(
    "acquisition",
    "refuse",
    "WHICH",
    "If a CT series holds several acquisitions in one place: refuse (the"
    " patient), first, last, or an AcquisitionNumber.",
  )
  flags.number(
    "limit_s",
    None,
    "S",
    "Processor time to parse a file of up to 5 MiB, in seconds; a larger one"
    " may take more in proportion.",
    default="10",
  )


def open_cohort(
  flags: _flags.Flags, folder: str, names: Sequence[str] = ("all",)
) -> "cohorts.DicomFolder":
  """The cohort of a folder, as the flags say.

  Args:
    flags: As `define_dicom` defines them.
    folder: The folder.
    names: Canonical names that are asked for. Organs always belong to a
      cohort, targets only if they are asked for.

  Raises:
    DataError: The folder or the file of names cannot be used.
    ConfigError: A flag is wrong.
  """
  from jaxseg import cohorts
  from jaxseg import structures

  aliases = structures.read_aliases(flags.aliases) if flags.aliases else {}
  wanted = None
  targets = set(names) & set(structures.names(kind="target"))
  if targets:
    own = {name for name in aliases.values() if name is not None}
    own -= set(structures.names(kind="any"))
    wanted = (*structures.names(), *sorted(own | targets))
  return cohorts.DicomFolder(
    folder,
    structures=wanted,
    aliases=aliases,
    on_two=flags.on_two,
    structure_set=flags.structure_set,
    combine=flags.combine,
    repair=[name for name in flags.repair if name],
    acquisition=flags.acquisition,
    limit_s=flags.limit_s,
    modality=flags.modality,
    patients_by=flags.patients_by,
  )


def tell_files(cohort: "cohorts.DicomFolder") -> None:
  """Prints which files of a folder are not used: a patient may be in them."""
  for _, reason in cohort.broken[:20]:
    print(f"Not used: {reason}")
  if len(cohort.broken) > 20:
    print(
      f"and {len(cohort.broken) - 20} more files; inspect writes all of them"
      " to audit.json"
    )
  if cohort.skipped:
    one = cohort.skipped == 1
    print(
      f"{cohort.skipped} {'file is' if one else 'files are'} not DICOM and"
      f" {'was' if one else 'were'} left out{cohort.to_unpack}."
    )


def of_contours(flags: _flags.Flags) -> dict[str, Any]:
  """What `define_contours` defines, as `cohorts.ContourFolder` takes it."""
  return {
    "structure_set": flags.structure_set,
    "combine": flags.combine,
    "repair": [name for name in flags.repair if name],
    "acquisition": flags.acquisition,
    "limit_s": flags.limit_s,
    "patients_by": flags.patients_by,
  }
