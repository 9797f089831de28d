"""The study's analyses and page from counts alone, on any machine."""

from collections.abc import Sequence
import textwrap
from typing import Any, TYPE_CHECKING

from jaxseg.cli import _analyses
from jaxseg.cli import _causes
from jaxseg.cli import _claims
from jaxseg.cli import _counts_flags
from jaxseg.cli import _flags

if TYPE_CHECKING:
  from jaxseg import study

# Flags that have a meaning without patients and training.
_MEANT = ("counts", "output", "seed")


def define(flags: _flags.Flags) -> None:
  """Defines --counts."""
  flags.heading("Counts instead of patients")
  flags.names(
    "counts",
    None,
    "FOLDER",
    "Run folders, or folders that hold counts of models, such as those of"
    " another machine: nothing is trained, and neither images nor models are"
    " read. Tables and page are of the first folder's network; the others take"
    " part in the claims and causes.",
    default="none: patients are prepared and models trained",
  )


def main(flags: _flags.Flags) -> None:
  """Analyses counts, and writes the page."""
  others = [name for name in flags.given_names() if name not in _MEANT]
  flags.refuse(others, "patients and training, not --counts")
  seed = _seed(flags)

  from jaxseg import report
  from jaxseg import study

  folder = _counts_flags.output(flags.output or "runs/counts", flags.counts)
  every = _counts_flags.read(flags.counts)
  own, levels = _of_first_network(every)
  results, replaced = study.learnt(own)
  said = _said(results, every, len(replaced))
  if said:
    print(textwrap.fill(said, 80))
  run: Any = study.CountedRun.of(folder, results)
  settings = study.Settings(seed=seed)
  sections = _analyses.sweep(flags, run, results, settings)
  sections += _analyses.sensitivity(flags, run, results)
  sections += _analyses.prominence(
    flags, run, results, levels=study.learnt(levels)[0]
  )
  sections += _analyses.objectives(flags, run, results)
  sections += _analyses.recommended(flags, run, results)
  origin = _counts_flags.provenance(every, seed=seed, command=flags.command)
  claims = _claims.judged(every, folder, origin, resamples=2000, seed=seed)
  compared = _causes.compared(every, folder, origin, resamples=2000, seed=seed)
  sections += [compared] if compared else []
  path = folder / "report" / "index.html"
  report.write_study(
    path,
    run,
    study.sensitivity_medians(study.sensitivity(results)),
    study.objectives(results),
    sections,
    _analyses.provenance(flags, run, results),
    note="Made from counts of the models: no image and no model was read."
    + (f" {said}" if said else ""),
    claims=claims,
    compared=len(every) - len(replaced),
  )
  print(f"Written: {path}")
  if replaced:
    named = ", ".join(result.name for result in replaced)
    print(f"Left out of tables and page, never learnt: {named}")
  _counts_flags.tell_missing(flags.counts)


def _seed(flags: _flags.Flags) -> int:
  """Of the resamples."""
  given = flags.seed
  return int(given[0]) if isinstance(given, list | tuple) else int(given or 0)


def _of_first_network(
  results: "Sequence[study.CohortCounts]",
) -> "tuple[list[study.CohortCounts], list[study.CohortCounts]]":
  """Models of one network and length of training: of its level, and of all."""
  from jaxseg import study

  kinds = [
    (
      study.network_of(one.facts),
      (one.facts.get("steps"), one.facts.get("epochs")),
      one.facts["negatives"],
    )
    for one in results
  ]
  first = [kind for kind in kinds if kind[0] == kinds[0][0]]
  usual = max(first, key=first.count)
  both = list(zip(results, kinds, strict=True))
  own = [one for one, kind in both if kind == usual]
  levels = [one for one, kind in both if kind[:2] == usual[:2]]
  return own, levels


def _said(
  results: "Sequence[study.CohortCounts]",
  every: "Sequence[study.CohortCounts]",
  replaced: int,
) -> str:
  """What tells the models of the tables from the others; "" if all are."""
  from jaxseg import report
  from jaxseg import study

  others = len(every) - len(results) - replaced
  if not others:
    return ""
  facts = results[0].facts
  (network,) = report.format_column("network", [study.network_of(facts)])
  slices = f"{facts['negatives']:g} slice{'s' * (facts['negatives'] != 1)}"
  return (
    f"Tables and charts are of {len(results)} models of {network}, {slices}"
    f" without the structure for each with it; {others}"
    f" other{'s' * (others != 1)} {'is' if others == 1 else 'are'} in claims,"
    " causes and levels alone."
  )
