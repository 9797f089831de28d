"""What a step costs, by XLA's own count, and how near to the peak it runs.

    compiled, reporter = watch(compiled, reporter, config)

At the first step the reporter is told the step's operations and the bytes that
it moves through memory. Where the device's peak is known, it is told after each
epoch which share of it was used; where an accelerator's is not, that is said.
"""

from collections.abc import Mapping
import dataclasses
from typing import Any

import jax

from jaxseg.training import _compiled
from jaxseg.training import _config
from jaxseg.training import _logs

# Beginning of a device's kind, as JAX names it -> TFLOP/s of one such device,
# dense, in bfloat16 and in what JAX takes for float32 products unless told
# otherwise: tf32 on NVIDIA from Ampere on, float32 itself before, bfloat16 on a
# TPU. None where the device has no units for it. Only what the maker publishes;
# NVIDIA's figures "with sparsity" are twice these.
_PEAKS: Mapping[str, tuple[float | None, float]] = {
  # H200 data sheet, columns SXM and NVL.
  "NVIDIA H200 NVL": (835.0, 417.0),
  "NVIDIA H200": (989.0, 494.0),
  # H100 data sheet, columns NVL and SXM; PCIe, of its first edition.
  "NVIDIA H100 NVL": (835.0, 417.0),
  "NVIDIA H100 PCIe": (756.0, 378.0),
  "NVIDIA H100": (989.0, 494.0),
  # nvidia-a100-datasheet-us-nvidia-1758950-r4-web.pdf.
  "NVIDIA A100": (312.0, 156.0),
  # A10 data sheet.
  "NVIDIA A10": (125.0, 62.5),
  # L4 data sheet.
  "NVIDIA L4": (121.0, 60.0),
  # V100 data sheet, columns SXM2, PCIe and V100S: single precision.
  "Tesla V100-SXM2": (None, 15.7),
  "Tesla V100-PCIE": (None, 14.0),
  "Tesla V100S-PCIE": (None, 16.4),
  # T4 data sheet: single precision.
  "Tesla T4": (None, 8.1),
  # A device of TPU v2 or v3 is one of a chip's two cores. 46 TFLOP/s a chip:
  # Norrie et al., "The Design Process for Google's Training Chips: TPUv2 and
  # TPUv3", IEEE Micro 41 (2021).
  "TPU v2": (23.0, 23.0),
  # docs.cloud.google.com/tpu/docs/v3, v4, v5e, v5p and v6e, peak compute per
  # chip; JAX says "lite" for what Google sells as e, and leaves out p.
  "TPU v3": (61.5, 61.5),
  "TPU v4": (275.0, 275.0),
  "TPU v5 lite": (197.0, 197.0),
  "TPU v5e": (197.0, 197.0),
  "TPU v5": (459.0, 459.0),
  "TPU v5p": (459.0, 459.0),
  "TPU v6 lite": (918.0, 918.0),
  "TPU v6e": (918.0, 918.0),
}
# Smaller ones of the same name: slower boards, as the H100 that is named by its
# memory, HBM2e, and parts of a GPU.
_OTHERS = frozenset(("NVL", "HBM2e", "MIG", "lite"))


@dataclasses.dataclass(frozen=True)
class Cost:
  """What one step costs on each of its devices.

  Attributes:
    flop: Floating-point operations.
    moved: Bytes read and written by the compiled operations, caches left out
      of account.
  """

  flop: float
  moved: float


def cost(step: Any, *arguments: Any) -> Cost | None:
  """Counts by XLA what a compiled function costs.

  A call with the same arguments does not compile it again.

  Args:
    step: What `jax.jit` or `jax.pmap` gave.
    *arguments: Those it is called with; they are not touched.

  Returns:
    The cost, or None where the platform does not tell.
  """
  try:
    found = step.lower(*arguments).compile().cost_analysis()
  except (NotImplementedError, jax.errors.JaxRuntimeError):
    return None
  if isinstance(found, list):  # One for each program, as it once was.
    found = found[0] if found else None
  if not found or not found.get("flops", 0) > 0:
    return None
  return Cost(float(found["flops"]), float(found.get("bytes accessed", 0)))


def peak(kind: str, dtype: str = "float32") -> float | None:
  """FLOP/s that a device can do at most; None if it is not known.

  Args:
    kind: As `jax.Device.device_kind` says it.
    dtype: What the convolutions compute in.
  """
  for name, (half, single) in _PEAKS.items():
    if kind == name or kind.startswith((f"{name} ", f"{name}-")):
      if _OTHERS & set(kind.removeprefix(name).split()):
        return None
      found = single if dtype == "float32" else half
      return None if found is None else 1e12 * found
  return None


def watch(
  compiled: _compiled.Functions,
  reporter: _logs.Reporter,
  config: _config.Config,
) -> tuple[_compiled.Functions, _logs.Reporter]:
  """The same functions and reporter, the latter told of costs as well.

  Args:
    compiled: The step is measured at its first call.
    reporter: Hears the notes, and all that it is told itself.
    config: Training.
  """
  told = _Told(reporter, config)

  def step(*arguments: Any) -> Any:
    if told.cost is None:
      told.begin(cost(compiled.step, *arguments))
    return compiled.step(*arguments)

  return dataclasses.replace(compiled, step=step), told


class _Told:
  """A `Reporter` that adds what the steps cost to what it passes on."""

  def __init__(self, reporter: _logs.Reporter, config: _config.Config):
    self._reporter = reporter
    self._batch = config.batch
    device = jax.devices()[0]
    self._kind = device.device_kind
    self._platform = device.platform
    self._dtype = str(dict(config.network).get("dtype", "float32"))
    self._peak = peak(self._kind, self._dtype)
    self.cost: Cost | None = None
    # What it asks for and what it is told goes on to the reporter.
    self.note = reporter.note
    self.start = reporter.start
    self.step = reporter.step
    self.finish = reporter.finish

  def begin(self, found: Cost | None) -> None:
    """Tells what a step costs, before the first one."""
    self.cost = found or Cost(0.0, 0.0)
    if found is not None:
      self.note(
        f"a step of {self._batch} slices: {found.flop / 1e9:.3g} GFLOP,"
        f" {found.moved / 1e9:.3g} GB through memory (XLA's count, each device)"
      )
      if self._peak is None and self._platform != "cpu":
        self.note(
          f"no peak of a {self._kind} in {self._dtype} is known here, so the"
          " share of it that is used is not told"
        )

  def epoch(self, row: Mapping[str, Any]) -> None:
    """Passes the row on, and says how near to the peak its steps ran."""
    self._reporter.epoch(row)
    # No speed: the epoch was resumed after its last step.
    if self._peak and self.cost and self.cost.flop and row["slices_per_s"]:
      speed = self.cost.flop * row["slices_per_s"] / self._batch
      self.note(
        f"{speed / 1e12:.3g} TFLOP/s, {100 * speed / self._peak:.2g} % of a"
        f" {self._kind}'s peak"
      )
