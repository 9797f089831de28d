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
from jaxseg import _distributed
from jaxseg import _extras
from jaxseg import _files
from jaxseg import cohorts
from jaxseg import data
from jaxseg import errors
from jaxseg import models
from jaxseg import thresholds
from jaxseg import volume as volumes

__all__ = ["Model", "load_model"]

_FORMAT = "jaxseg.model/1"
# Slices at once, or the next multiple of the number of devices: the last batch
# is padded, so one compiled function serves.
_BATCH = 32
_AGAIN = "train the model again"
Path = str | os.PathLike


def load_model(
  path: Path | Sequence[Path],
  *,
  threshold: float | Path | thresholds.ChosenThreshold | None = None,
  slot: str = "best",
) -> "Model":
  """Loads a trained model, or several as an ensemble.

  Args:
    path: A model's folder, RUN/models/<structure>/<objective>/<seed>. Of
      several folders, all of one structure, the mean probability is taken.
    threshold: Where `cut` cuts: a number in [0, 1], a threshold.json, or what
      one says; None is the folder's own threshold.json. An ensemble has none
      of its own: no member's suits the mean.
    slot: "best" by validation Dice, or "last".

  Raises:
    DataError: A folder holds no trained model, or it is damaged.
    ConfigError: There is no folder, the models are of several structures, or
      the threshold is not in [0, 1].
  """
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
  return Model(members, threshold)


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
  ):
    self._members = tuple(members)
    self._given = threshold
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
    volume = _hounsfield(volume, self._members[0].modality)
    turned = volumes.axial(volume)
    groups: dict[data.PrepareConfig, list[_Member]] = {}
    for member in self._members:
      groups.setdefault(member.prepare, []).append(member)
    maps = []
    for prepare, members in groups.items():
      placement, images = data.prepare_image(turned, prepare)
      maps.append(placement.restore(_mean(members, images)))
    mean = maps[0]
    if len(maps) > 1:
      weights = [len(members) for members in groups.values()]
      mean = np.average(maps, axis=0, weights=weights).astype(np.float32)
    return _moved(turned.with_array(mean), volume.placed)

  def predict_prepared(self, images: np.ndarray) -> np.ndarray:
    """Probabilities of slices that were prepared as in training.

    Args:
      images: HU, int16 `[slice, row, column]`, as `data.Store.image` gives.

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
    return _mean(self._members, images)

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
        f"{path}: of format {found}, this version reads {_FORMAT}; {_AGAIN}"
      )
    try:
      forward = models.Forward.of(
        facts["network"], facts["window_hu"], facts["input_range"]
      )
      prepare = data.PrepareConfig.from_json(facts["prepare"])
      rows, columns = facts["size"]
      _ = facts["structure"]
      like = jax.eval_shape(
        lambda images: forward.network.init(
          jax.random.key(0), forward.inputs(images)
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
        f"{path}: an entry is missing or malformed ({e}); {_AGAIN}"
      ) from e
    variables = _restore(folder / "checkpoints" / slot, like)
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
  def _placed(self) -> Any:
    """The variables on each of this process's devices."""
    return _devices.local().whole(self.variables)

  def predict(self, images: np.ndarray) -> np.ndarray:
    devices = _devices.local()
    size = -(-_BATCH // len(devices)) * len(devices)
    maps = []
    for begin in range(0, len(images), size):
      part = images[begin : begin + size]
      batch = np.zeros((size, *images.shape[1:]), images.dtype)
      batch[: len(part)] = part
      maps.append(self.forward.predict(self._placed, devices.rows(batch)))
    found: np.ndarray = np.concatenate(jax.device_get(maps))[: len(images)]
    return found


def _mean(members: Sequence[_Member], images: np.ndarray) -> np.ndarray:
  maps = [member.predict(images) for member in members]
  if len(maps) == 1:
    return maps[0]
  return np.asarray(np.mean(maps, axis=0, dtype=np.float64), np.float32)


def _restore(folder: pathlib.Path, like: Any) -> dict[str, Any]:
  """The network's variables in the newest checkpoint of a slot.

  As NumPy arrays, wherever they were trained: on more devices, on others.
  """
  ocp = _extras.load("orbax.checkpoint", extra="train")  # Slow to import.

  steps = [p for p in folder.glob("*") if p.name.isdecimal()]
  if not steps:
    raise errors.DataError(
      f"{folder.parent.parent}: no {folder.name} checkpoint; train the model"
      " first"
    )
  path = max(steps, key=lambda p: int(p.name)) / "state"
  as_numpy = jax.tree.map(
    lambda _: ocp.RestoreArgs(restore_type=np.ndarray), like
  )
  try:
    alone = _distributed.orbax_alone()
    with ocp.Checkpointer(
      ocp.PyTreeCheckpointHandler(multiprocessing_options=alone),
      multiprocessing_options=alone,
    ) as checkpointer:
      found = checkpointer.restore(
        path.absolute(),
        args=ocp.args.PyTreeRestore(
          item=like, restore_args=as_numpy, partial_restore=True
        ),
      )
    if _shapes(found) != _shapes(like):
      raise ValueError("it is of another network than model.json")
  except (ValueError, KeyError, TypeError, OSError) as e:
    raise errors.DataError(
      f"{path.parent}: cannot be restored ({str(e).splitlines()[0][:200]});"
      f" {_AGAIN}"
    ) from e
  return {"batch_stats": {}, **found}


def _shapes(tree: Any) -> dict[str, tuple[Any, ...]]:
  """Path -> shape and dtype of each array."""
  return {
    jax.tree_util.keystr(path): (*leaf.shape, str(leaf.dtype))
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
  }


def _hounsfield(volume: volumes.Volume, modality: str) -> volumes.Volume:
  """Values as the network knows them, of a model's modality."""
  where = "volume" if volume.source is None else str(volume.source)
  own = getattr(volume, "modality", modality)  # A DICOM image knows its own.
  if own != modality:
    raise errors.DataError(
      f"{where}: is of modality {own}, the model was trained on {modality};"
      " give an image of that kind"
    )
  if modality == "CT":
    _check_hounsfield(volume)
    return volume
  if volume.array.min() == -1000:
    raise errors.DataError(
      f"{where}: has values of -1000, as scale_mr makes them; give the MR's"
      " signal as it was measured"
    )
  return cohorts.scale_mr(
    volumes.Volume(volume.array, volume.placed, volume.source)
  )


def _check_hounsfield(volume: volumes.Volume) -> None:
  """Refuses values that cannot be HU in int16."""
  array = volume.array
  where = "volume" if volume.source is None else str(volume.source)
  if not (
    np.issubdtype(array.dtype, np.integer)
    or np.issubdtype(array.dtype, np.floating)
  ):
    raise errors.DataError(
      f"{where}: values are {array.dtype}; give a CT in HU"
    )
  low, high = float(array.min()), float(array.max())
  limits = np.iinfo(np.int16)
  if not (limits.min <= low and high <= limits.max):  # NaN is refused, too.
    raise errors.DataError(
      f"{where}: values from {low:g} to {high:g} are not HU, which fit int16;"
      " give a CT in HU"
    )


def _moved(volume: volumes.Volume, grid: volumes.Grid) -> volumes.Volume:
  """The same voxels in another order of axes."""
  if volume.grid is grid:
    return volume
  moved = volumes.reorder(volume, grid)
  if moved is None:
    raise errors.GeometryError(
      "volume: its axes cannot be turned; resample it on an axial grid"
    )
  return dataclasses.replace(moved, array=np.ascontiguousarray(moved.array))
