"""Flags that name structures: known ones, targets, and those of one's own."""

from collections.abc import Sequence
from typing import Any, TYPE_CHECKING

from jaxseg import errors
from jaxseg.cli import _flags

if TYPE_CHECKING:
  from jaxseg import cohorts


def define(flags: _flags.Flags) -> None:
  """Defines --structures, for commands that train nothing."""
  flags.names(
    "structures",
    None,
    "NAME",
    "Structures that are asked for. Organs are always read, targets such as gtv"
    " only if they are named here.",
    default="all organs",
  )


def asked_names(flags: _flags.Flags) -> tuple[str, ...]:
  """Canonical names of --structures; ("all",) without it.

  Raises:
    StructureNotFoundError: A name is unknown.
  """
  asked = [name for name in flags.structures or () if name]
  if not asked or asked == ["all"]:
    return ("all",)
  return tuple(dict.fromkeys(resolved(flags, name) for name in asked))


def own_names(flags: _flags.Flags) -> tuple[str, ...]:
  """Canonical names that --aliases or the run folder bring along.

  Raises:
    DataError: The file of names cannot be used.
  """
  from jaxseg import structures
  from jaxseg.cli import _cohort_flags

  own: list[str | None] = []
  if "aliases" in flags and flags.aliases:
    own += structures.read_aliases(flags.aliases).values()
  if "input" in flags and flags.input and flags.cohort == "nifti_folder":
    own += open_nifti(flags, flags.input, ()).structures
  path = _cohort_flags.output_folder(flags) / "run.json"
  if path.is_file():
    from jaxseg import _files

    facts = _files.read_json(path)
    cohort = facts.get("cohort") if isinstance(facts, dict) else None
    found = cohort.get("structures") if isinstance(cohort, dict) else None
    own += [name for name in found or () if isinstance(name, str)]
  return tuple(dict.fromkeys(name for name in own if name is not None))


def resolved(flags: _flags.Flags, name: str) -> str:
  """The canonical name of what a flag asks for.

  Raises:
    StructureNotFoundError: It is neither known nor brought along.
  """
  from jaxseg import structures

  try:
    return structures.resolve(name)
  except errors.StructureNotFoundError as e:
    if name in own_names(flags):
      return name
    raise errors.StructureNotFoundError(
      f"{e} A structure of your own is added by --aliases"
    ) from e


def open_nifti(
  flags: _flags.Flags, folder: str, names: Sequence[str]
) -> "cohorts.NiftiFolder":
  """The cohort of a folder of images and label maps.

  Args:
    flags: As `define_dicom` defines them.
    folder: The folder.
    names: Canonical names that are asked for; other labels belong to it
      anyhow, targets only if they are asked for.

  Raises:
    DataError: The folder or the file of names cannot be used.
    ConfigError: A flag is wrong.
    StructureNotFoundError: A target is no label's.
  """
  from jaxseg import cohorts
  from jaxseg import structures

  options: dict[str, Any] = {
    "aliases": structures.read_aliases(flags.aliases) if flags.aliases else {},
    "modality": flags.modality,
  }
  cohort = cohorts.NiftiFolder(folder, **options)
  targets = set(names) & set(structures.names(kind="target"))
  if not targets:
    return cohort
  wanted = (*cohort.structures, *sorted(targets))
  return cohorts.NiftiFolder(folder, structures=wanted, **options)


def check(cohort: "cohorts.Cohort", names: Sequence[str]) -> None:
  """Refuses structures that no patient has, before anything is prepared.

  Raises:
    DataError: No patient can be used.
    StructureNotFoundError: A structure is contoured on no patient.
  """
  left_out = getattr(cohort, "left_out", {})
  if left_out and not cohort.patients():
    told = "; ".join(f"{name}: {why}" for name, why in [*left_out.items()][:3])
    raise errors.DataError(
      f"{cohort.name}: none of {len(left_out)} patients can be used; {told}"
    )
  for name in names:
    if name in cohort.structures:
      continue
    several = getattr(cohort, "undecided", {}).get(name, 0)
    why = (
      f"on {several} patients several contours fit it, and --on_two=refuse"
      " takes none of them; --on_two=union takes all"
      if several
      else f"it has {', '.join(cohort.structures)}"
    )
    raise errors.StructureNotFoundError(
      f"{name}: contoured on no patient of {cohort.name}; {why}"
    )
