"""Flags that name trained models."""

from collections.abc import Sequence
import glob
import os
import pathlib
from typing import Any

from jaxseg import errors
from jaxseg.cli import _flags


def define(flags: _flags.Flags) -> None:
  """Defines which models are meant."""
  flags.heading("Models")
  flags.names(
    "model",
    None,
    "FOLDERS",
    "Exported folders, models' folders RUN/models/STRUCTURE/OBJECTIVE/SEED, or"
    " patterns of such with *; several of one structure are an ensemble.",
    default="required",
  )
  flags.names(
    "structure",
    None,
    "NAMES",
    "Structures that are wanted.",
    default="all that the models know",
  )


def paths(flags: _flags.Flags) -> list[pathlib.Path]:
  """The folders that --model names.

  Raises:
    ConfigError: A pattern fits nothing, or there is no such folder.
  """
  found: list[pathlib.Path] = []
  for given in flags.model or ():
    if not given:
      continue
    several = [given]
    if not os.path.exists(given) and glob.has_magic(given):
      several = sorted(glob.glob(given, recursive=True))
      if not several:
        raise errors.ConfigError(f"--model: nothing fits {given}")
    for one in several:
      if not os.path.isdir(one):
        raise errors.ConfigError(
          f"--model: {one} is no folder; give an exported folder, or a model's"
        )
      found.append(pathlib.Path(one))
  if not found:
    raise errors.ConfigError("--model: missing; give a folder of models")
  return found


def structures(flags: _flags.Flags) -> Sequence[str] | None:
  """Canonical names that --structure gives; None is all."""
  from jaxseg import structures as vocabulary

  named = [one for one in flags.structure or () if one]
  if not named or named == ["all"]:
    return None
  found = []
  for one in named:
    try:
      found.append(vocabulary.resolve(one))
    except errors.StructureNotFoundError:
      found.append(one)  # It may be one of the user's own.
  return list(dict.fromkeys(found))


def origin(flags: _flags.Flags) -> dict[str, Any]:
  """Command, version, commit and date of what is written."""
  from jaxseg import _provenance  # Without what else a report needs.

  told = _provenance.provenance(
    cohort="",
    cohort_hash="",
    synthetic=False,
    seed=None,
    command=flags.command,
  )
  return {name: told[name] for name in ("version", "commit", "command", "date")}
