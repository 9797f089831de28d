"""Who is left out, and what of each structure, is said; too much is refused."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from jaxseg import errors

if TYPE_CHECKING:
  from jaxseg import cohorts
  from jaxseg import data

# What a contour's own uncertainty hides, and no more.
ALLOWED = 0.02
_MOST = 60  # Rows on the console.


def check(store: "data.Store", names: Sequence[str], *, where: object) -> None:
  """Refuses prepared slices that leave out too much of a structure.

  Args:
    store: The prepared cohort.
    names: Canonical names of the structures that matter; none is all.
    where: Run folder, for the message.

  Raises:
    ConfigError: They leave out more than 2 % of a structure's voxels.
  """
  shares = store.lost()
  cut = {
    name: shares[name][0]
    for name in (names or shares)
    # As it is shown: nobody understands why 2.0 % should be above 2 %.
    if name in shares and round(shares[name][0], 3) > ALLOWED
  }
  if not cut:
    return
  ranked = sorted(cut, key=lambda name: -cut[name])
  told = ", ".join(f"{100 * cut[n]:.1f} % of {n}" for n in ranked[:6])
  if len(ranked) > 6:
    told += f" and more than 2 % of {len(ranked) - 6} more"
  keeps = ""
  if store.needed_size and store.prepared.crop is None:
    rows, columns = map(max, store.needed_size, store.prepared.size)
    keeps = f" or --size={rows}x{columns}"
  raise errors.ConfigError(
    f"{where}: the prepared slices ({_grid(store)}) leave out {told}; prepare"
    f" another --output with --size=fit{keeps}, or add --allow_crop to go on"
    " with what is left"
  )


def tell(store: "data.Store", names: Sequence[str] = ()) -> None:
  """Prints what is lost of structures, in percent.

  Args:
    store: The prepared cohort.
    names: Canonical names; none is all.
  """
  from jaxseg.cli import _console

  shares = store.lost()
  rows = [
    {
      "structure": name,
      "lost": _percent(shares[name][0]),
      "worst": _percent(shares[name][1]),
      "patient": shares[name][2],
    }
    for name in (names or shares)
    if name in shares and shares[name][1] > 0
  ]
  if not rows:
    print(
      f"Prepared slices, {_grid(store)}, leave out 0 % of"
      f" {', '.join(names) if 0 < len(names) < 4 else 'every structure'}."
    )
    return
  _console.table(
    f"Left out by the prepared slices, {_grid(store)}",
    rows,
    {
      "structure": "structure",
      "lost": "of all patients, %",
      "worst": "of the worst, %",
      "patient": "worst patient",
    },
  )


def _percent(share: float) -> str:
  """In percent; what is there is never rounded to nothing."""
  return f"{100 * share:.1f}" if not 0 < share < 5e-4 else "under 0.1"


def _grid(store: "data.Store") -> str:
  """The prepared slices in words."""
  config = store.prepared
  if config.crop is not None:
    begin, end = (f"{100 * f:.0f}" for f in config.crop)
    return f"from {begin} to {end} % of each image's rows and columns"
  pixels = f"{config.size[0]} x {config.size[1]} pixels"
  if config.spacing is None:
    return f"{pixels} of each patient's own spacing"
  rows, columns = (f"{n * config.spacing:.4g}" for n in config.size)
  return f"{pixels} of {config.spacing:g} mm, {rows} x {columns} mm"


def tell_run(run: "data.Run", names: Sequence[str] = ()) -> None:
  """Prints who was left out of a run, and what of the structures.

  Args:
    run: Prepared run folder.
    names: Canonical names of structures; none is all.
  """
  store = run.store
  _tell_patients(
    store.cohort,
    tuple(store.patients),
    store.left_out,
    store.remarks,
    more=str(store.folder / "manifest.json"),
  )
  tell(store, names)


def tell_cohort(cohort: "cohorts.Cohort") -> None:
  """Prints the same of a cohort that is not prepared, as far as it is known.

  Args:
    cohort: One that could not be prepared: who was left out may be why.
  """
  left_out = getattr(cohort, "left_out", {})
  if left_out:
    _tell_patients(cohort.name, cohort.patients(), left_out, {}, more="inspect")


def _tell_patients(
  cohort: str,
  patients: Sequence[str],
  left_out: Mapping[str, str],
  remarks: Mapping[str, Sequence[str]],
  *,
  more: str,
) -> None:
  """Prints one row for each patient left out and each remark."""
  from jaxseg.cli import _console

  rows = [
    {"patient": f"left out {name}", "why": why}
    for name, why in left_out.items()
  ]
  rows += [
    {"patient": name, "why": remark}
    for name, own in remarks.items()
    for remark in own
    if name in patients
  ]
  if rows:
    _console.table(
      f"{cohort}: {len(patients)} patients, {len(left_out)} left out",
      rows[:_MOST],
      {"patient": "patient", "why": "why"},
    )
  if len(rows) > _MOST:
    print(f"and {len(rows) - _MOST} more; {more} has all of them")
