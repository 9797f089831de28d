"""Maps to counts, counts to curves, the optimum, and what it is worth.

What is grouped, where nothing else is asked for:

- Maps are floating point or 8-bit, of any byte order and any of NumPy and JAX;
  a voxel is inside where float32(p) >= float32(threshold). References are
  boolean, or numbers known to be 0 and 1 alone.
- `count` and `sweep` take all voxels of an array together; no axis is a channel
  or a batch. `axis` names those that are counted over; the others stay in
  front: of `[N, H, W, C]`, `axis=(1, 2)` gives counts `[N, C, T + 1]`.
- Counts keep cases in front. `curve` keeps them too; `optimum`, `sensitivity`
  and calibration pool them, unless `aggregate` says otherwise.
- `binarize`, `count`, `sweep` and `curve` are pure. What compares exactly is of
  the host, and says so under `jit`.
"""

from jaxseg.thresholds._bootstrap import Bootstrap
from jaxseg.thresholds._bootstrap import bootstrap
from jaxseg.thresholds._calibration import brier
from jaxseg.thresholds._calibration import Expected
from jaxseg.thresholds._calibration import expected_optimum
from jaxseg.thresholds._calibration import fit_temperature
from jaxseg.thresholds._calibration import negative_log_likelihood
from jaxseg.thresholds._calibration import Reliability
from jaxseg.thresholds._calibration import reliability
from jaxseg.thresholds._calibration import with_temperature
from jaxseg.thresholds._chosen import ChosenThreshold
from jaxseg.thresholds._count import count
from jaxseg.thresholds._count_case import count_case
from jaxseg.thresholds._count_case import count_distinct
from jaxseg.thresholds._counts import coarsen
from jaxseg.thresholds._counts import Counts
from jaxseg.thresholds._criterion import check_criterion
from jaxseg.thresholds._curves import curve
from jaxseg.thresholds._grid import binarize
from jaxseg.thresholds._grid import fine_grid
from jaxseg.thresholds._grid import grid
from jaxseg.thresholds._nested import Nested
from jaxseg.thresholds._nested import nested
from jaxseg.thresholds._optimum import Optimum
from jaxseg.thresholds._optimum import optimum
from jaxseg.thresholds._optimum import Run
from jaxseg.thresholds._optimum import widest_run
from jaxseg.thresholds._sensitivity import derivative
from jaxseg.thresholds._sensitivity import regret
from jaxseg.thresholds._sensitivity import sensitivity
from jaxseg.thresholds._sweep import sweep
from jaxseg.thresholds._sweep import sweep_counts

__all__ = [
  "Bootstrap",
  "ChosenThreshold",
  "Counts",
  "Expected",
  "Nested",
  "Optimum",
  "Reliability",
  "Run",
  "binarize",
  "bootstrap",
  "brier",
  "check_criterion",
  "coarsen",
  "count",
  "count_case",
  "count_distinct",
  "curve",
  "derivative",
  "expected_optimum",
  "fine_grid",
  "fit_temperature",
  "grid",
  "negative_log_likelihood",
  "nested",
  "optimum",
  "regret",
  "reliability",
  "sensitivity",
  "sweep",
  "sweep_counts",
  "widest_run",
  "with_temperature",
]
