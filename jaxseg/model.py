"""A trained model: from a folder to probability maps, and to masks.

model = load_model("runs/phantom/models/brain/bce/0")
maps = model.predict(volume)
mask = model.cut(maps)
"""

from collections.abc import Mapping, Sequence
import dataclasses
import functools
import hashlib
import os
import pathlib
from typing import Any

import jax
import numpy as np

from jaxseg import _arrays as arrays
from jaxseg import _devices
from jaxseg import _files
from jaxseg import _model_input
from jaxseg import _sealed
from jaxseg import _weights
from jaxseg import data
from jaxseg import errors
from jaxseg import models
from jaxseg import thresholds
from jaxseg import volume as volumes

__all__ = ["Model", "load_model"]

_FORMAT = "jaxseg.model/1"
# Slices at once, or the next multiple of the devices: the last batch is padded,
# so one compiled function serves.
_BATCH = 32
_ENTRIES = {
  "structure": str,
  "objective": str,
  "seed": int,
  "negatives": float,
  "network": dict,
}
Path = str | os.PathLike


def load_model(
  path: Path | Sequence[Path],
  *,
  threshold: float | Path | thresholds.ChosenThreshold | None = None,
  slot: str = "best",
  tta: int | None = None,
) -> "Model":
  """Loads a trained model, or several as an ensemble.

  Args:
    path: A model's folder, RUN/models/<structure>/<objective>/<seed>. Of
      several folders, all of one structure, the mean probability is taken.
    threshold: Where `cut` cuts: a number in [0, 1], a threshold.json, or what
      one says; None is the folder's own threshold.json. An ensemble has none
      of its own: no member's suits the mean.
    slot: "best" by validation Dice, or "last".
    tta: Shifted views whose mean map is taken, 1 to 9; 1 is the image alone.
      None is as many as the threshold was chosen on; where that is a number,
      or of other maps, as many as the folders' models were swept with.

  Raises:
    DataError: A folder holds no trained model, or it is damaged.
    ConfigError: There is no folder, the models are of several structures, the
      threshold is not in [0, 1], or there are no so many views.
  """
  if tta is not None:
    models.check_views(tta)
  single = isinstance(path, str | os.PathLike)
  folders = [pathlib.Path(p) for p in ([path] if single else path)]  # type: ignore
  if not folders:
    raise errors.ConfigError("no model is given; give at least one folder")
  members = [_Member.load(folder, slot) for folder in folders]
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
  return Model(members, threshold, tta)


class Model:
  """One model, or an ensemble, of one structure; `load_model` makes it.

  Attributes:
    folders: Where the members lie.
    structure: Canonical name.
    facts: The first member's model.json (structure, objective, seed, network,
      window, preparation, training cohort), and a "digest" of the weights of
      all members.
  """

  def __init__(
    self,
    members: Sequence["_Member"],
    threshold: thresholds.ChosenThreshold | None,
    tta: int | None = None,
  ):
    self._members = tuple(members)
    self._given = threshold
    self._tta = tta
    self.folders = tuple(member.folder for member in members)
    self.structure: str = members[0].facts["structure"]
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
    by that.

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
    volume = _model_input.hounsfield(volume, self._members[0].modality)
    turned = volumes.axial(volume)
    groups: dict[data.PrepareConfig, list[_Member]] = {}
    for member in self._members:
      groups.setdefault(member.prepare, []).append(member)
    maps = []
    for prepare, members in groups.items():
      placement, images = data.prepare_image(turned, prepare)
      maps.append(placement.restore(_mean(members, images, self.tta)))
    mean = maps[0]
    if len(maps) > 1:
      weights = [len(members) for members in groups.values()]
      mean = np.average(maps, axis=0, weights=weights).astype(np.float32)
    return _model_input.moved(turned.with_array(mean), volume.placed)

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
    return _mean(self._members, images, self.tta)

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


@dataclasses.dataclass(frozen=True, eq=False)
class _Member:
  """One trained network.

  Attributes:
    folder: Where it lies.
    facts: What model.json says.
    forward: Window and network.
    prepare: The prepared grid.
    variables: The network's "params" and "batch_stats".
  """

  folder: pathlib.Path
  facts: dict[str, Any]
  forward: models.Forward
  prepare: data.PrepareConfig
  variables: dict[str, Any]

  @staticmethod
  def load(folder: pathlib.Path, slot: str) -> "_Member":
    path = folder / "model.json"
    if not path.is_file():
      raise errors.DataError(
        f"{path}: no such file; give the folder of a trained model,"
        " RUN/models/<structure>/<objective>/<seed>; an older one must be"
        " trained again"
      )
    facts = _files.read_json(path)
    found = facts.get("format") if isinstance(facts, dict) else None
    if found != _FORMAT:
      raise errors.DataError(
        f"{path}: of format {found}, this version reads {_FORMAT};"
        f" {_weights.AGAIN}"
      )
    facts = _sealed.opened(path, facts, again=_weights.AGAIN)
    _sealed.check(path, facts, _ENTRIES, again=_weights.AGAIN)
    try:
      forward = models.Forward.of(
        facts["network"], facts["window_hu"], facts["input_range"]
      )
      prepare = data.PrepareConfig.from_json(facts["prepare"])
      rows, columns = facts["size"]
      _ = facts["structure"]
      like = jax.eval_shape(
        lambda images: forward.network.init(
          jax.random.key(0), forward.inputs(forward.alone(images))
        ),
        jax.ShapeDtypeStruct((1, rows, columns), np.int16),
      )
    except (
      AttributeError,
      KeyError,
      TypeError,
      ValueError,
      errors.ConfigError,
    ) as e:
      raise errors.DataError(
        f"{path}: an entry is missing or malformed ({e}); {_weights.AGAIN}"
      ) from e
    variables = _weights.restore(folder / "checkpoints" / slot, like, facts)
    return _Member(folder, facts, forward, prepare, variables)

  @property
  def modality(self) -> str:
    """What it was trained on; models from before MR cohorts say nothing."""
    return str(self.facts.get("modality", "CT"))

  @functools.cached_property
  def digest(self) -> str:
    """Fingerprint of the weights, 16 hexadecimal digits."""
    content = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(self.variables):
      content.update(jax.tree_util.keystr(path).encode())
      content.update(np.ascontiguousarray(leaf).tobytes())
    return content.hexdigest()[:16]

  @functools.cached_property
  def _placed(self) -> Any:  # On each of this process's devices.
    return _devices.local().whole(self.variables)

  def predict(self, images: np.ndarray) -> np.ndarray:
    devices = _devices.local()
    size = _BATCH + -_BATCH % len(devices)
    maps = []
    index = np.arange(len(images))
    if self.forward.slices > 1:  # Each batch is gathered when its turn comes.
      index = data.around(index, 0, len(images), self.forward.slices)
    for begin in range(0, len(images), size):
      part = images[index[begin : begin + size]]
      batch = np.zeros((size, *part.shape[1:]), images.dtype)
      batch[: len(part)] = part
      maps.append(self.forward.predict(self._placed, devices.rows(batch)))
    return np.concatenate(jax.device_get(maps))[: len(images)]


def _mean(
  members: Sequence[_Member], images: np.ndarray, views: int
) -> np.ndarray:
  maps = [
    models.mean_of_views(member.predict, images, views) for member in members
  ]
  if len(maps) == 1:
    return maps[0]
  return np.asarray(np.mean(maps, axis=0, dtype=np.float64), np.float32)
