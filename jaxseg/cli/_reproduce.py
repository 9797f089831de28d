"""Repeats the whole study: prepare, train, sweep, analyse, report.

    jaxseg reproduce
    jaxseg reproduce --cohort=openkbp --input=open-kbp
    jaxseg reproduce --counts=counts --output=runs/again

By default on the phantom, which needs no data and takes about six minutes on
two CPU cores. Writes OUTPUT/tables/*.csv, figures/*.{svg,png,pdf} and
report/, a folder that is whole in itself: open its index.html. If interrupted,
the same command resumes. From --counts of models, such as those of another
machine, it writes the same without patients.
"""

from collections.abc import Sequence
import functools

from jaxseg.cli import _analyses
from jaxseg.cli import _call
from jaxseg.cli import _causes
from jaxseg.cli import _claims
from jaxseg.cli import _cohort_flags
from jaxseg.cli import _device_flags
from jaxseg.cli import _family
from jaxseg.cli import _flags
from jaxseg.cli import _from_counts
from jaxseg.cli import _hosts
from jaxseg.cli import _training_flags


def define(flags: _flags.Flags) -> None:
  flags.heading("What to train")
  flags.names(
    "structures",
    None,
    "NAME",
    "Structures to train.",
    default="all; for the phantom, unpaired and left-sided ones",
  )
  _training_flags.define(flags)
  _cohort_flags.define(flags)
  _hosts.define(flags)
  _from_counts.define(flags)


def main(flags: _flags.Flags) -> None:
  if flags.counts:
    _from_counts.main(flags)
    return
  _hosts.main(flags, _main)


def _main(flags: _flags.Flags) -> None:
  names = _training_flags.named(flags, flags.structures or ["all"])

  from jaxseg import report
  from jaxseg import study
  from jaxseg import training
  from jaxseg.cli import _console

  _family.check(flags)
  _call.compilation_cache()
  run = _hosts.prepared(flags, names)
  names = _training_flags.available(run, names)
  if flags.structures is None and run.store.synthetic:
    names = tuple(name for name in names if not name.endswith("_right"))
  objectives = list(training.STUDY)
  configs = _training_flags.configs(flags, run, names, default=objectives)
  part = _device_flags.part(flags, configs)
  _device_flags.tell(flags, configs[0].batch)
  if flags.shard is not None:
    _family.train(flags, run, part)
    print(
      f"Trained: {len(part)} of {len(configs)} models; when all are, the same"
      " command without --shard analyses them"
    )
    return
  settings = study.Settings(seed=flags.seed[0])

  def count(_: Sequence[training.Config]) -> list[study.CohortCounts]:
    with _console.progress("sweeping") as on_model:
      sweep = functools.partial(study.sweep_run, on_model=on_model)
      return _hosts.swept(run, run.models(), sweep)

  family, every = _family.swept(flags, run, configs, count, default=1)
  results, _ = study.learnt(every)
  if not results:
    return
  sections = _analyses.sweep(flags, run, results, settings)
  sections += _analyses.sensitivity(flags, run, results)
  sections += _analyses.prominence(flags, run, results)
  sections += _analyses.objectives(flags, run, results)
  sections += _analyses.recommended(flags, run, results)
  origin = _analyses.provenance(flags, run, results)
  # Claims tell how many never learnt.
  claims = _claims.judged(
    every,
    run.folder,
    origin,
    resamples=settings.resamples,
    seed=settings.seed,
  )
  compared = _causes.compared(
    every,
    run.folder,
    origin,
    resamples=settings.resamples,
    seed=settings.seed,
  )
  sections += [compared] if compared else []
  with _console.progress("looking") as on_structure:
    scenes = study.scenes(run, run.models(), on_structure=on_structure)
    viewer = report.viewer_html(scenes)
  shown = study.examples(run, _family.shown(run, family, results))
  sections += report.example_sections(run.folder, shown, origin)
  path = run.folder / "report" / "index.html"
  report.write_study(
    path,
    run,
    study.sensitivity_medians(study.sensitivity(results)),
    study.objectives(results),
    sections,
    origin,
    note=study.missing_said(study.missing_models(run)),
    claims=claims,
    viewer=viewer,
  )
  print(f"Written: {path}")
  _analyses.tell_missing(run)
