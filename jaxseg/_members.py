"""Trained networks as they lie on disk, and the maps they give."""

from collections.abc import Mapping, Sequence
import dataclasses
import functools
import hashlib
import pathlib
from typing import Any

import jax
import numpy as np

from jaxseg import _devices
from jaxseg import _files
from jaxseg import _sealed
from jaxseg import _weights
from jaxseg import data
from jaxseg import errors
from jaxseg import models

_FORMAT = "jaxseg.model/1"
# Slices at once, or the next multiple of the devices: the last batch is padded,
# so one compiled function serves.
_BATCH = 32
# A CPU is no faster by more pixels at once than these, and what it keeps of
# each layer would only take more memory.
_PIXELS_ON_CPU = 8 * 96 * 96
_ENTRIES = {
  "structure": str,
  "objective": str,
  "seed": int,
  "negatives": float,
  "network": dict,
}
# A patient on a prepared grid: where it was placed, and its slices.
Prepared = tuple[data.Placement, np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False)
class Member:
  """One trained network.

  Attributes:
    folder: Where it lies.
    facts: What model.json says.
    forward: Window and network.
    prepare: The prepared grid.
    slot: Which of its checkpoints.
  """

  folder: pathlib.Path
  facts: dict[str, Any]
  forward: models.Forward
  prepare: data.PrepareConfig
  slot: str

  @staticmethod
  def load(folder: pathlib.Path, slot: str) -> "Member":
    path = folder / "model.json"
    if not path.is_file():
      raise errors.DataError(
        f"{folder}: is a run, not a model; give a folder in its models/, or"
        " what jaxseg export makes of it"
        if (folder / "run.json").is_file()
        else f"{path}: no such file; give the folder of a trained model,"
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
      _variables_like(forward, (int(rows), int(columns)))
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
    member = Member(folder, facts, forward, prepare, slot)
    _ = member.digest  # That the weights are whole is told now.
    return member

  @functools.cached_property
  def variables(self) -> dict[str, Any]:
    """The network's "params" and "batch_stats".

    Raises:
      DataError: They are damaged, or others than when they were first read.
    """
    rows, columns = self.facts["size"]
    like = _variables_like(self.forward, (int(rows), int(columns)))
    slot = self.folder / "checkpoints" / self.slot
    variables = _weights.restore(slot, like, self.facts)
    before = self.__dict__.get("digest")
    if before is not None and _digest(variables) != before:
      raise errors.DataError(
        f"{self.folder}: its weights were replaced while they were in use;"
        " start the command again"
      )
    return variables

  def release(self) -> None:
    """Frees the weights; they are read again where they are needed again."""
    _ = self.digest  # By which they are known.
    for name in ("variables", "_placed"):
      self.__dict__.pop(name, None)

  @property
  def modality(self) -> str:
    """What it was trained on; models from before MR cohorts say nothing."""
    return str(self.facts.get("modality", "CT"))

  @functools.cached_property
  def digest(self) -> str:
    """Fingerprint of the weights, 16 hexadecimal digits."""
    return _digest(self.variables)

  @functools.cached_property
  def _placed(self) -> Any:  # On each of this process's devices.
    return _devices.local().whole(self.variables)

  def predict(self, images: np.ndarray) -> np.ndarray:
    devices = _devices.local()
    size = _BATCH
    on_cpu = devices.devices[0].platform == "cpu"
    if on_cpu:
      size = min(_BATCH, max(1, _PIXELS_ON_CPU // images[0].size))
    size += -size % len(devices)
    maps: list[Any] = []
    index = np.arange(len(images))
    if self.forward.slices > 1:  # Each batch is gathered when its turn comes.
      index = data.around(index, 0, len(images), self.forward.slices)
    for begin in range(0, len(images), size):
      part = images[index[begin : begin + size]]
      batch = np.zeros((size, *part.shape[1:]), images.dtype)
      batch[: len(part)] = part
      found = self.forward.predict(self._placed, devices.rows(batch))
      # Several batches at once would share the cores, and take more memory.
      maps.append(np.asarray(found) if on_cpu else found)
    return np.concatenate(jax.device_get(maps))[: len(images)]


@functools.lru_cache(maxsize=64)
def _variables_like(
  forward: models.Forward, size: tuple[int, int]
) -> Mapping[str, Any]:
  """Shapes of a network's variables; of ten alike it is traced once."""
  return jax.eval_shape(
    lambda images: forward.network.init(
      jax.random.key(0), forward.inputs(forward.alone(images))
    ),
    jax.ShapeDtypeStruct((1, *size), np.int16),
  )


def _digest(variables: Mapping[str, Any]) -> str:
  content = hashlib.sha256()
  for path, leaf in jax.tree_util.tree_leaves_with_path(variables):
    content.update(jax.tree_util.keystr(path).encode())
    content.update(np.ascontiguousarray(leaf).tobytes())
  return content.hexdigest()[:16]


def mean(
  members: Sequence[Member], images: np.ndarray, views: int
) -> np.ndarray:
  maps = [
    models.mean_of_views(member.predict, images, views) for member in members
  ]
  if len(maps) == 1:
    return maps[0]
  return np.asarray(np.mean(maps, axis=0, dtype=np.float64), np.float32)


@dataclasses.dataclass(frozen=True, eq=False)
class PlacedMaps:
  """Probabilities on one or several prepared grids, and the way back.

  Attributes:
    parts: (where it was placed, maps float32 `[slice, row, column]`, number of
      members) of each prepared grid.
  """

  parts: tuple[tuple[data.Placement, np.ndarray, int], ...]

  def restore(self, first: int = 0, last: int | None = None) -> np.ndarray:
    """The mean map on the patient's own rows and columns.

    Args:
      first: First slice.
      last: One beyond the last; None is all that follow.

    Returns:
      float32 `[slice, row, column]`; the same numbers however the slices are
      divided.
    """
    maps = [placed.restore(map_[first:last]) for placed, map_, _ in self.parts]
    if len(maps) == 1:
      return maps[0]
    weights = [number for *_, number in self.parts]
    return np.average(maps, axis=0, weights=weights).astype(np.float32)

  def peaks(self) -> np.ndarray:
    """What no voxel of each slice exceeds on the way back, `[slice]`."""
    total = sum(number for *_, number in self.parts)
    return np.sum(
      [map_.max((1, 2)) * (number / total) for _, map_, number in self.parts],
      axis=0,
    )


def placed_maps(
  members: Sequence[Member],
  prepared: Mapping[data.PrepareConfig, Prepared],
  views: int,
) -> PlacedMaps:
  """Maps of a patient on the prepared grids of the members.

  Args:
    members: Of one structure.
    prepared: The patient on each of their grids.
    views: As of `models.mean_of_views`.
  """
  groups: dict[data.PrepareConfig, list[Member]] = {}
  for member in members:
    groups.setdefault(member.prepare, []).append(member)
  parts = []
  for config, own in groups.items():
    placement, images = prepared[config]
    parts.append((placement, mean(own, images, views), len(own)))
  return PlacedMaps(tuple(parts))
