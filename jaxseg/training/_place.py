"""Which place slices are kept in, by the sizes of arrays and free memory."""

from collections.abc import Mapping
import dataclasses

from jaxseg import data
from jaxseg import errors
from jaxseg.training import _memory

KEEP = ("device", "ram", "store")
# Shares of the free memory that slices may take: the network needs the rest.
_OF_DEVICE = 0.5
_OF_HOST = 0.6


@dataclasses.dataclass(frozen=True)
class Place:
  """Where slices are kept, and why.

  Attributes:
    keep: One of `KEEP`.
    text: Sentence for the log.
  """

  keep: str
  text: str


def check(keep: str | None) -> None:
  """Refuses what is no place.

  Raises:
    ConfigError: It is none.
  """
  if keep is not None and keep not in KEEP:
    raise errors.ConfigError(
      f"keep {keep!r} is unknown; take {', '.join(KEEP[:-1])} or {KEEP[-1]}"
    )


def choose(
  images: data.Stack,
  *,
  keep: str | None = None,
  groups: int = 1,
  devices: int = 1,
  sharing: int = 1,
) -> Place:
  """Chooses by the sizes of arrays and of free memory.

  Args:
    images: The store's images; masks are half as large, for each structure.
    keep: What was asked for, one of `KEEP`; None chooses.
    groups: Models that are trained at once, each with masks of its own.
    devices: This process's devices of all of them. On a CPU they share one
      memory.
    sharing: Processes of this training on this host.

  Raises:
    ConfigError: `keep` is unknown.
  """
  check(keep)
  slices, rows, columns = images.shape
  masks = images.nbytes // images.dtype.itemsize
  on_device, on_host = _memory.device_free(), _memory.host_free()
  if on_host is not None:
    on_host //= sharing
  of_one = images.nbytes + masks
  needed = {
    "device": of_one if on_device is not None else devices * of_one,
    "ram": images.nbytes + groups * masks,
    "store": 0,
  }
  chosen = keep or _chosen(needed, on_device, on_host)
  named = {
    "device": "on the device" if on_device is not None else "in memory",
    "ram": "in memory",
    "store": "on disk, and read while the network learns",
  }[chosen]
  if chosen == "device" and devices > 1:
    named += f", by each of {devices} devices"
  has = on_device if chosen == "device" and on_device is not None else on_host
  why = "as --keep asks" if keep else f"{_size(has)} are free"
  return Place(
    chosen,
    f"Slices: {slices:,} of {rows} x {columns}, {_size(of_one)} with masks;"
    f" kept {named} ({why})",
  )


def _chosen(
  needed: Mapping[str, int], on_device: int | None, on_host: int | None
) -> str:
  if on_device is None:  # A CPU: its memory is the host's.
    fits = _fits(needed["device"], on_host)
  else:
    fits = needed["device"] <= _OF_DEVICE * on_device
  if fits:
    return "device"
  return "ram" if _fits(needed["ram"], on_host) else "store"


def _fits(needed: int, on_host: int | None) -> bool:
  return on_host is None or needed <= _OF_HOST * on_host


def _size(number: int | None) -> str:
  """Bytes as people say them: "3.5 GB"."""
  if number is None:
    return "an unknown number of bytes"
  for factor, unit in ((1e9, "GB"), (1e6, "MB")):
    if number >= factor:
      return f"{number / factor:.1f} {unit}"
  return f"{number / 1e3:.1f} kB"
