r"""What it costs to bring slices to the network, in memory and in time.

    python -m benchmarks.input_bench --slices=17810 --size=256
    python -m benchmarks.input_bench --slices=2000 --size=512 --keep=store

Makes a store of noise, then trains in a process of its own for each place where
slices can be kept. Prints the host's peak memory until the first step beside
what is kept, and seconds of the processors and of the clock for a step of an
epoch beside the same step on one batch again and again. The two take turns;
each ratio is the median over the epochs, and of an honest loader it is near 1.
"""

import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

from absl import app
from absl import flags
from absl import logging
import numpy as np

from jaxseg import cohorts
from jaxseg import data
from jaxseg import volume

_SLICES = flags.DEFINE_integer("slices", 17810, "Slices of the store.")
_SIZE = flags.DEFINE_integer("size", 256, "Rows and columns.")
_KEEP = flags.DEFINE_list("keep", ["device", "ram", "store"], "Places to try.")
_BASE = flags.DEFINE_integer("base", 8, "Channels of the network.")
_BATCH = flags.DEFINE_integer("batch", 16, "Slices a step.")
_STEPS = flags.DEFINE_integer("steps", 20, "Steps an epoch.")
_EPOCHS = flags.DEFINE_integer("epochs", 3, "Epochs.")
_FOLDER = flags.DEFINE_string("folder", None, "Keeps the store for later.")
_CHILD = flags.DEFINE_string("child", None, "Place to measure in here.")

_PER_PATIENT = 130
_AHEAD = 4  # Steps in flight, as in a training.


class Noise:
  """Patients of noise in a disc, and a brighter disc to find."""

  name = "noise"
  structures = ("brain",)

  def __init__(self, slices: int, size: int):
    self.count, self.size = -(-slices // _PER_PATIENT), size
    self.last = slices - (self.count - 1) * _PER_PATIENT
    draw = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size] - size / 2
    body = y**2 + x**2 < (0.45 * size) ** 2
    noise = draw.normal(0, 60, (_PER_PATIENT, size, size)).astype(np.int16)
    mask = np.zeros(noise.shape, np.bool_)
    mask[30:90] = (y + size / 8) ** 2 + x**2 < (size / 10) ** 2
    self._image = np.where(body, noise + 150 * mask, -1000).astype(np.int16)
    self._mask = mask

  def patients(self) -> tuple[str, ...]:
    """See `cohorts.Cohort`."""
    return tuple(f"p{k:03d}" for k in range(self.count))

  def describe(self) -> dict[str, object]:
    """See `cohorts.Cohort`."""
    return {"name": self.name, "patients": self.count, "size": self.size}

  def load(self, patient: str) -> cohorts.Case:
    """See `cohorts.Cohort`."""
    number = int(patient[1:])
    length = self.last if number == self.count - 1 else _PER_PATIENT
    image = np.roll(self._image, number, axis=0)[:length]
    mask = np.roll(self._mask, number, axis=0)[:length]
    affine = np.diag([0.0, 0.0, 0.0, 1.0])
    affine[2, 0], affine[1, 1], affine[0, 2] = -3.0, 1.0, 1.0
    return cohorts.Case(
      patient, volume.Volume.from_affine(image, affine), {"brain": mask}
    )


class Clock:
  """A `training.Reporter` that times steps, and the same on one batch."""

  def __init__(self, config, shape):
    self.config, self.shape = config, shape
    self.began = resident()
    self.loaded = 0.0
    self.rows: list[dict[str, float]] = []
    self._steps = 0
    self._first = (0.0, 0.0)

  def note(self, text: str) -> None:
    """See `training.Reporter`."""
    print(text, file=sys.stderr)

  def start(self, title: str, steps: int, done: int) -> None:
    """See `training.Reporter`."""
    self.loaded = peak() - self.began

  def step(self, loss: float, slices_per_s: float) -> None:
    """See `training.Reporter`."""
    self._steps += 1
    if self._steps == 1:
      self._first = now()
    self._last = now()

  def epoch(self, row) -> None:
    """See `training.Reporter`."""
    epoch = [b - a for a, b in zip(self._first, self._last, strict=True)]
    again = self._again(self._steps)
    self.rows.append({"epoch": epoch, "again": again, "steps": self._steps - 1})
    self._steps = 0

  def finish(self, text: str) -> None:
    """See `training.Reporter`."""

  def _again(self, steps: int) -> list[float]:
    """Seconds of the processors and of the clock for one batch, many times."""
    import jax

    from jaxseg import training

    functions = training.functions(self.config)
    images = jax.numpy.zeros(self.shape, np.int16)
    labels = jax.numpy.zeros(self.shape, np.uint8)
    state = functions.init(np.uint32(0), images)
    losses, first = [], (0.0, 0.0)
    for number in range(steps):
      state, loss = functions.step(
        state, images, labels, np.float32(1e-3), np.float32(0.5)
      )
      losses.append(loss)
      if number >= _AHEAD:
        float(losses[number - _AHEAD])
        if number == _AHEAD:
          first = now()
    jax.block_until_ready(losses)
    return [b - a for a, b in zip(first, now(), strict=True)]


def now() -> tuple[float, float]:
  return time.process_time(), time.perf_counter()


def peak() -> float:
  """MB that this process had at most."""
  most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
  return most / (2**20 if sys.platform == "darwin" else 2**10)


def resident() -> float:
  """MB that this process has now."""
  try:
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
  except OSError:
    return peak()
  return pages * resource.getpagesize() / 2**20


def child(folder: pathlib.Path, keep: str) -> None:
  """Trains, and prints what it took as JSON."""
  import jax

  from jaxseg import training

  store = data.Store(folder)
  names = tuple(store.patients)
  split = data.Split(names[2:], names[:1], names[1:2])
  config = training.Config(
    "brain",
    network={"name": "unet", "base": _BASE.value},
    batch=_BATCH.value,
    epochs=_EPOCHS.value,
    steps_per_epoch=_STEPS.value,
  )
  size = next(iter(store.patients.values())).placement.size
  jax.block_until_ready(jax.numpy.zeros(1))
  clock = Clock(config, (_BATCH.value, *size))
  with tempfile.TemporaryDirectory() as run:
    training.train_family(
      store, split, pathlib.Path(run), [config], reporter=clock, keep=keep
    )
  kept = store.stack().nbytes + store.stack("brain").nbytes
  found = {
    "kept": kept / 2**20,
    "loaded": clock.loaded,
    "peak": peak() - clock.began,
    "rows": clock.rows,
  }
  print(json.dumps(found))


def measured(folder: pathlib.Path, keep: str) -> dict:
  """What a process of its own finds."""
  done = subprocess.run(
    [
      sys.executable,
      *("-m", "benchmarks.input_bench", f"--child={keep}"),
      *(f"--{f.name}={f.value}" for f in (_BASE, _BATCH, _STEPS, _EPOCHS)),
      f"--folder={folder}",
    ],
    check=True,
    stdout=subprocess.PIPE,
    text=True,
  )
  return json.loads(done.stdout.splitlines()[-1])


def main(_) -> None:
  logging.set_verbosity(logging.WARNING)
  if _CHILD.value:
    child(pathlib.Path(_FOLDER.value), _CHILD.value)
    return
  with tempfile.TemporaryDirectory() as temporary:
    base = pathlib.Path(_FOLDER.value or temporary)
    folder = base / f"noise-{_SLICES.value}-{_SIZE.value}"
    if not folder.exists():
      data.write_store(
        folder,
        Noise(_SLICES.value, _SIZE.value),
        data.PrepareConfig(size=(_SIZE.value, _SIZE.value)),
      )
    print(
      f"{_SLICES.value} slices of {_SIZE.value} x {_SIZE.value}, base"
      f" {_BASE.value}, batch {_BATCH.value}, {_STEPS.value} steps an epoch"
    )
    print(
      "keep     kept MB  loaded MB  ratio   with training MB"
      "   CPU s/step  ratio   s/step  ratio"
    )
    for keep in _KEEP.value:
      found = measured(folder, keep)
      rows = [
        [np.divide(row[k], row["steps"]) for k in ("epoch", "again")]
        for row in found["rows"]
      ]
      taken = np.array(rows)  # [epoch, which, CPU or clock]
      epoch = np.median(taken[:, 0], 0)
      ratio = np.median(taken[:, 0] / taken[:, 1], 0)
      kept = 0.0 if keep == "store" else found["kept"]
      share = found["loaded"] / kept if kept else float("nan")
      print(
        f"{keep:6s} {kept:9.0f} {found['loaded']:10.0f} {share:6.2f}"
        f" {found['peak']:18.0f} {epoch[0]:12.3f} {ratio[0]:6.2f}"
        f" {epoch[1]:8.3f} {ratio[1]:6.2f}"
      )


if __name__ == "__main__":
  app.run(main)
