r"""Bytes that devices exchange in a step, and what that costs at scale.

    python -m benchmarks.exchange_bench --shapes=16:96:16

Counts what the compiled step of several devices sends (collectives of its
HLO; fake devices do), and estimates the efficiency of 8, 64 and 256 devices
that each keep their batch: step time against step time plus exchange, nothing
overlapped, by a ring's 2 (n - 1) / n times the bytes, at the links' stated
speed in one direction; latencies are left out. The step's time is the one
measured here, which is a CPU's, or XLA's count of its operations by the
accelerator's stated peak: at all of that peak, where the exchange weighs most,
and at a tenth. No accelerator is asked.
"""

import os

if __name__ == "__main__":  # Before JAX is imported.
  os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "")
    + " --xla_force_host_platform_device_count=4"
  )

import math
import re
import time

from absl import app
from absl import flags
from absl import logging
import jax
import numpy as np

from jaxseg import _devices
from jaxseg import training

_SHAPES = flags.DEFINE_list(
  "shapes",
  ["8:64:16", "16:96:16"],
  "What to measure, a list of base:size:batch.",
)
_NORMS = flags.DEFINE_list("norms", ["group", "batch"], "Norms.")
_STEPS = flags.DEFINE_integer("steps", 5, "Steps that are timed.")

# Name -> (bytes per second in one direction, FLOP/s of a device at such a link
# in what JAX takes for float32 products; None is the CPU at hand), as the
# makers state them; for the FLOP/s see `jaxseg.training._cost`.
LINKS = {
  # cloud.google.com/tpu/docs/v5e: 1600 Gbps interchip interconnect, both ways.
  "TPU v5e, ICI": (100e9, 197e12),
  # nvidia.com/en-us/data-center/h100: NVLink 900 GB/s, both ways.
  "H100, NVLink": (450e9, 494e12),
  # NVIDIA ConnectX-7, NDR: 400 Gb/s.
  "H100, InfiniBand NDR": (50e9, 494e12),
  "this CPU, 10 Gb/s Ethernet": (1.25e9, None),
}
_SHARES = (1.0, 0.1)  # Of the peak.
_OPS = "all-reduce|all-gather|reduce-scatter|all-to-all|collective-permute"
_BITS = re.compile(r"[a-z]+(\d+)")


def exchanged(hlo: str) -> dict[str, tuple[int, int]]:
  """What a compiled program's collectives send.

  Args:
    hlo: Its text, as of `jax.stages.Compiled.as_text`.

  Returns:
    Collective -> (how many, bytes of their results on one device).
  """
  found: dict[str, tuple[int, int]] = {}
  for line in hlo.splitlines():
    match = re.match(rf"\s*(?:ROOT )?\S+ = (.*?) ({_OPS})(-start)?\(", line)
    if match is None:
      continue
    parts = re.findall(r"([a-z]+\d*)\[([\d,]*)\]", match[1])
    if match[3] and len(parts) % 2 == 0 and match[2] != "all-reduce":
      parts = parts[len(parts) // 2 :]  # Operands stand beside the results.
    size = sum(
      _width(kind) * math.prod(int(n) for n in shape.split(",") if n)
      for kind, shape in parts
    )
    number, before = found.get(match[2], (0, 0))
    found[match[2]] = number + 1, before + size
  return found


def _width(kind: str) -> int:
  """Bytes of an element."""
  bits = _BITS.match(kind)
  return max(int(bits[1]) // 8, 1) if bits else 1


def efficiency(step_s: float, sent: float, devices: int, speed: float) -> float:
  """Share of the time that is spent computing.

  Args:
    step_s: A step of one device, seconds.
    sent: Bytes that are reduced over all devices.
    devices: How many.
    speed: Of a device's link in one direction, bytes per second.
  """
  ring = 2 * (devices - 1) / devices * sent / speed
  return step_s / (step_s + ring)


def step_of(base: int, size: int, batch: int, norm: str, devices: int):
  """A compiled step and its arguments."""
  config = training.Config(
    "brain", network={"name": "unet", "base": base, "norm": norm}, batch=batch
  )
  (place,) = _devices.arrange(devices)
  functions = training.functions(config, place)
  images = np.zeros((batch, size, size), np.int16)
  state = place.whole(functions.init(np.uint32(0), images))
  rows = place.rows(images), place.rows(images.astype(np.uint8))
  return functions.step, (state, *rows, np.float32(1e-3), np.float32(0.5))


def timed(base: int, size: int, batch: int, norm: str) -> tuple[float, float]:
  """CPU seconds and floating-point operations of a step of one device."""
  step, (state, *rest) = step_of(base, size, batch, norm, 1)
  found = step.lower(state, *rest).compile().cost_analysis()
  flop = float((found[0] if isinstance(found, list) else found)["flops"])
  state, _ = step(state, *rest)
  jax.block_until_ready(state)
  began = time.process_time()
  for _ in range(_STEPS.value):
    state, _ = step(state, *rest)
  jax.block_until_ready(state)
  return (time.process_time() - began) / _STEPS.value, flop


def main(_: list[str]) -> None:
  """Prints a table."""
  logging.set_verbosity(logging.ERROR)
  for shape in _SHAPES.value:
    base, size, batch = map(int, shape.split(":"))
    for norm in _NORMS.value:
      step, arguments = step_of(base, size, batch, norm, 4)
      told = exchanged(step.lower(*arguments).compile().as_text())
      sent = sum(number for _, number in told.values())
      seconds, flop = timed(base, size, batch, norm)
      print(f"base {base}, {size} x {size}, batch {batch}, {norm} norm:")
      print(
        f"  {told}: {sent / 1e6:.2f} MB a step; {flop / 1e9:.1f} GFLOP and"
        f" {seconds * 1e3:.0f} ms CPU on one device"
      )
      for name, (speed, peak) in LINKS.items():
        for share in _SHARES if peak else (None,):
          step_s = flop / (peak * share) if share else seconds
          shares = ", ".join(
            f"{n}: {efficiency(step_s, sent, n, speed):.1%}"
            f" ({2 * (n - 1) / n * sent / speed * 1e3:.3f} ms)"
            for n in (8, 64, 256)
          )
          at = f"{share:4.0%} of peak" if share else "measured"
          print(f"  {name:26s} {at:12s} {step_s * 1e3:7.3f} ms  {shares}")


if __name__ == "__main__":
  app.run(main)
