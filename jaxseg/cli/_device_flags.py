"""Flags that say which devices train which models."""

from collections.abc import Sequence
from typing import Any, TYPE_CHECKING, TypeVar

from jaxseg import errors
from jaxseg.cli import _flags

if TYPE_CHECKING:
  from jaxseg import _devices

PARALLEL = ("jit", "pmap")  # As of `_devices.PARALLEL`: slow to import.
_PLACES = ("devices", "models_at_once", "parallel")
_Model = TypeVar("_Model")


def define(flags: _flags.Flags) -> None:
  """Defines devices and the part of a family."""
  flags.heading("Devices")
  flags.integer(
    "devices",
    None,
    "N",
    "Devices to train on, GPUs or TPU cores. A batch is spread over them:"
    " --batch is that of all together.",
    default="all",
  )
  flags.choice(
    "parallel",
    None,
    PARALLEL,
    "How the batch is spread: by jit over a mesh, or by pmap. The numbers are"
    " those of one device but for rounding; by pmap, though, each device draws"
    " its own dropout.",
    default="jit",
  )
  flags.integer(
    "models_at_once",
    None,
    "K",
    "Models trained at the same time, each on N / K devices. With K = N each"
    " has a device of its own, and nothing is exchanged.",
    default="1",
  )
  flags.string(
    "shard",
    None,
    "I/N",
    "Part I of N of the models, for job arrays that share a prepared OUTPUT.",
    default="all models",
  )


def given(flags: _flags.Flags) -> dict[str, Any]:
  """Arguments of `training.train_family` and `check_family`."""
  return flags.given(*_PLACES)


def check_shard(flags: _flags.Flags) -> None:
  """Refuses a part that is none.

  Raises:
    ConfigError: It is not written I/N.
  """
  if "shard" in flags and flags.shard is not None:
    part(flags, ())


def check(flags: _flags.Flags, batch: int) -> None:
  """Refuses devices that are not there, or cannot share a batch.

  Raises:
    ConfigError: A flag is wrong.
  """
  from jaxseg import _devices

  places = _places(flags)
  _devices.check_batch(batch, places[0], at_once=len(places))


def tell(flags: _flags.Flags, batch: int) -> None:
  """Says how models share several devices; of one there is nothing to say."""
  places = _places(flags)
  each, at_once = len(places[0]), len(places)
  if each * at_once == 1:
    return
  said = f"Devices: {each * at_once}"
  if at_once > 1:
    said += f", {at_once} models at once, {each} each"
  if each > 1:
    said += f"; {batch // each} of a batch's {batch} slices on each of {each}"
    said += f", by {places[0].parallel}"
  print(said)


def _places(flags: _flags.Flags) -> "Sequence[_devices.Devices]":
  from jaxseg import _devices

  how = given(flags)
  at_once = how.pop("models_at_once", 1)
  return _devices.arrange(how.pop("devices", None), at_once=at_once, **how)


def part(flags: _flags.Flags, models: Sequence[_Model]) -> list[_Model]:
  """Those of a family that this call trains.

  Raises:
    ConfigError: --shard is not written I/N.
  """
  if flags.shard is None:
    return list(models)
  from jaxseg import parallel

  try:
    return list(parallel.shard(models, flags.shard))
  except errors.ConfigError as e:
    raise errors.ConfigError(f"--shard: {e}") from e
