"""A trained model: from a folder to probability maps, and to masks.

model = load_model("runs/phantom/models/brain/bce/0")
maps = model.predict(volume)
mask = model.cut(maps)
"""

from collections.abc import Mapping, Sequence
import functools
import os
import pathlib
from typing import Any

import numpy as np

from jaxseg import _arrays as arrays
from jaxseg import _bundle
from jaxseg import _files
from jaxseg import _members
from jaxseg import _model_input
from jaxseg import data
from jaxseg import errors
from jaxseg import models
from jaxseg import thresholds
from jaxseg import volume as volumes

__all__ = ["Model", "load_model"]

Path = str | os.PathLike


def load_model(
  path: Path | Sequence[Path],
  *,
  threshold: float | Path | thresholds.ChosenThreshold | None = None,
  slot: str = "best",
  tta: int | None = None,
  structure: str | None = None,
) -> "Model":
  """Loads a trained model, or several as an ensemble.

  Args:
    path: A model's folder, RUN/models/<structure>/<objective>/<seed>, or what
      `jaxseg export` made of one or several. Of several folders, all of one
      structure, the mean probability is taken.
    threshold: Where `cut` cuts: a number in [0, 1], a threshold.json, or what
      one says; None is the folder's own threshold.json. An ensemble has none
      of its own: no member's suits the mean.
    slot: "best" by validation Dice, or "last".
    tta: Shifted views whose mean map is taken, 1 to 9; 1 is the image alone.
      None is as many as the threshold was chosen on; where that is a number,
      or of other maps, as many as the folders' models were swept with.
    structure: Which of those that an exported folder holds; None is the only
      one.

  Raises:
    DataError: A folder holds no trained model, or it is damaged.
    ConfigError: There is no folder, the models are of several structures, the
      threshold is not in [0, 1], or there are no so many views.
    StructureNotFoundError: The folder has no model of the structure.
  """
  if tta is not None:
    models.check_views(tta)
  single = isinstance(path, str | os.PathLike)
  folders = [pathlib.Path(p) for p in ([path] if single else path)]  # type: ignore
  if not folders:
    raise errors.ConfigError("no model is given; give at least one folder")
  about: Mapping[str, Any] = {}
  if len(folders) == 1 and _bundle.is_bundle(folders[0]):
    entry = _chosen(folders[0], structure)
    folders, about = list(entry.members), entry.about
    try:
      if threshold is None and entry.threshold is not None:
        threshold = thresholds.ChosenThreshold.read(entry.threshold)
      members = [_members.Member.load(folder, slot) for folder in folders]
    except errors.DataError as e:
      raise _bundle.damaged(e) from e
  else:
    members = [_members.Member.load(folder, slot) for folder in folders]
  if structure is not None and members[0].facts["structure"] != structure:
    raise errors.StructureNotFoundError(
      f"{folders[0]}: a model of {members[0].facts['structure']}, asked is"
      f" {structure}; give a folder of that structure"
    )
  for member in members[1:]:
    first, other = members[0].facts["structure"], member.facts["structure"]
    if other != first:
      raise errors.ConfigError(
        f"{member.folder}: a model of {other}, the first is of {first}; give"
        " models of one structure"
      )
    if member.modality != members[0].modality:
      raise errors.ConfigError(
        f"{member.folder}: a model of {member.modality}, the first is of"
        f" {members[0].modality}; give models of one modality"
      )
  if isinstance(threshold, str | os.PathLike):
    threshold = thresholds.ChosenThreshold.read(threshold)
  elif not isinstance(threshold, thresholds.ChosenThreshold | None):
    try:
      cut = threshold if isinstance(threshold, bool) else float(threshold)
    except (TypeError, ValueError) as e:
      raise errors.ConfigError(
        f"threshold is {threshold!r}; give a number in [0, 1]"
      ) from e
    threshold = thresholds.ChosenThreshold(
      cut, criterion="given", value=float("nan"), patients=0
    )
  return Model(members, threshold, tta, about)


def _chosen(folder: pathlib.Path, structure: str | None) -> _bundle.Entry:
  """The structure asked for of a bundle, or its only one."""
  entries = _bundle.read(folder)
  if structure is None and len(entries) > 1:
    raise errors.ConfigError(
      f"{folder}: holds models of {', '.join(entries)}; choose one with"
      " structure"
    )
  name = next(iter(entries)) if structure is None else structure
  if name not in entries:
    raise errors.StructureNotFoundError(
      f"{folder}: has no model of {name}; it has {', '.join(entries)}"
    )
  return entries[name]


class Model:
  """One model, or an ensemble, of one structure; `load_model` makes it.

  Attributes:
    folders: Where the members lie.
    structure: Canonical name.
    facts: The first member's model.json (structure, objective, seed, network,
      window, preparation, training cohort), and a "digest" of the weights of
      all members.
    about: What an exported folder says beside: what the images of its training
      were like, and what was found about it on other patients; {} of a run's.
    modality: What it was trained on, "CT" or "MR".
  """

  def __init__(
    self,
    members: Sequence[_members.Member],
    threshold: thresholds.ChosenThreshold | None,
    tta: int | None = None,
    about: Mapping[str, Any] | None = None,
  ):
    self._members = tuple(members)
    self._given = threshold
    self._tta = tta
    self.folders = tuple(member.folder for member in members)
    self.structure: str = members[0].facts["structure"]
    self.about: Mapping[str, Any] = dict(about or {})
    self.modality = members[0].modality
    digests = [member.digest for member in members]
    self.facts: Mapping[str, Any] = {
      **members[0].facts,
      "digest": digests[0] if len(digests) == 1 else _files.digest(digests),
    }

  @functools.cached_property
  def threshold(self) -> thresholds.ChosenThreshold | None:
    """Where `cut` cuts; None if no threshold was chosen or given.

    Raises:
      DataError: The folder's threshold.json is damaged or older.
    """
    path = self.folders[0] / "threshold.json"
    if self._given is not None or len(self.folders) > 1 or not path.exists():
      return self._given
    return thresholds.ChosenThreshold.read(path)

  @functools.cached_property
  def tta(self) -> int:
    """Shifted views whose mean map is taken; 1 is the image alone.

    Raises:
      ConfigError: The members of an ensemble were swept with different ones, or
        there are no so many.
    """
    if self._tta is not None:
      return self._tta
    if self._given is not None and "cohort" in self._given.details:
      found = [_views(self._given)]  # It was chosen on a run's model.
    else:  # A number, or the threshold of an ensemble's maps, tells none.
      found = [_swept_views(folder) for folder in self.folders]
    for folder, views in zip(self.folders, found, strict=False):
      models.check_views(views)
      if views != found[0]:
        raise errors.ConfigError(
          f"{folder}: swept with tta {views}, {self.folders[0]} with"
          f" {found[0]}; give load_model a tta for all"
        )
    return int(found[0])

  def predict(self, volume: volumes.Volume) -> volumes.Volume:
    """Probabilities on the volume's own grid.

    The network sees the slices as in training: axial, rows to posterior and
    columns to the patient's left. A volume with other axes, as NIfTI files
    often have, is turned, and its map turned back; no value is interpolated
    by that. Pixels far from the training's size stay as they are, unless the
    model has a spacing of its own; `jaxseg predict` brings them to it.

    Args:
      volume: CT in HU; other numbers than whole ones are rounded. For a model
        that was trained on MR, the signal as it was measured.

    Returns:
      float32, on the grid of `volume`; 0 beyond the prepared grid.

    Raises:
      GeometryError: It has no geometry, shows no body, or its axes are
        oblique.
      DataError: The values cannot be HU, or the volume is of another modality.
    """
    turned = self.turned(volume)
    prepared = {
      config: data.prepare_image(turned, config) for config in self.preparations
    }
    mean = self.predict_placed(prepared).restore()
    return _model_input.moved(turned.with_array(mean), volume.placed)

  def turned(self, volume: volumes.Volume) -> volumes.Volume:
    """A volume as the networks know it: checked, and axial.

    Args:
      volume: As of `predict`.

    Raises:
      GeometryError: As of `predict`.
      DataError: As of `predict`.
    """
    return volumes.axial(_model_input.hounsfield(volume, self.modality))

  @property
  def members(self) -> tuple[_members.Member, ...]:
    """The networks whose mean map it gives."""
    return self._members

  def release(self) -> None:
    """Frees the weights' memory; they are read again where they are needed."""
    for member in self._members:
      member.release()

  def with_views(self, tta: int) -> "Model":
    """The same with another number of shifted views.

    Raises:
      ConfigError: There are no so many.
    """
    models.check_views(tta)
    return Model(self._members, self.threshold, tta, self.about)

  def with_threshold(self, threshold: thresholds.ChosenThreshold) -> "Model":
    """The same with another threshold."""
    return Model(self._members, threshold, self._tta, self.about)

  @property
  def preparations(self) -> tuple[data.PrepareConfig, ...]:
    """The prepared grids of the members, each once."""
    return tuple(dict.fromkeys(member.prepare for member in self._members))

  def predict_placed(
    self, prepared: Mapping[data.PrepareConfig, _members.Prepared]
  ) -> _members.PlacedMaps:
    """Probabilities on the prepared grids, for those who prepare once for many.

    Args:
      prepared: What `data.prepare_image` gives of `turned`, for each of
        `preparations`.

    Returns:
      The maps, whose `restore` gives the numbers of `predict`, some slices at
      a time.
    """
    return _members.placed_maps(self._members, prepared, self.tta)

  def predict_prepared(self, images: np.ndarray) -> np.ndarray:
    """Probabilities of slices that were prepared as in training.

    Args:
      images: HU, int16 `[slice, row, column]`, as `data.Store.image` gives; a
        network that sees several takes neighbouring ones from there.

    Returns:
      float32 of the same shape.

    Raises:
      ConfigError: The members of an ensemble were prepared differently.
    """
    (images,) = arrays.native(images=images)
    if len({member.prepare for member in self._members}) > 1:
      raise errors.ConfigError(
        f"{self.folders[0]}: the ensemble's models see different grids; give"
        " the volume to predict"
      )
    return _members.mean(self._members, images, self.tta)

  def cut(self, maps: volumes.Volume) -> volumes.Volume:
    """The mask at the model's own threshold.

    Args:
      maps: Probabilities, such as `predict` gives.

    Returns:
      bool, on the same grid.

    Raises:
      DataError: No threshold was chosen or given.
    """
    if self.threshold is None:
      raise errors.DataError(
        f"{self.folders[0]}: holds no threshold.json; sweep the run first, or"
        " give load_model a threshold"
        if len(self.folders) == 1
        else f"{self.folders[0]} and {len(self.folders) - 1} more: an ensemble"
        " has no threshold of its own; give load_model one, a number or a"
        " threshold.json chosen on maps of the ensemble"
      )
    mask = thresholds.binarize(maps.array, self.threshold.threshold)
    return maps.with_array(np.asarray(mask))


def _views(chosen: thresholds.ChosenThreshold) -> Any:
  return chosen.details.get("tta", 1)


def _swept_views(folder: pathlib.Path) -> Any:
  """How many views a folder's own threshold was chosen on."""
  path = folder / "threshold.json"
  try:
    return _views(thresholds.ChosenThreshold.read(path)) if path.exists() else 1
  except errors.DataError:  # `cut` tells what is wrong with the file.
    return 1
