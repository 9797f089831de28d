r"""Repeats the whole study: prepare, train, sweep, analyse, report.

    python -m experiments.reproduce
    python -m experiments.reproduce --cohort=openkbp --input=open-kbp

By default on the phantom, which needs no data and takes about five minutes on
two CPU cores. Ends with OUTPUT/tables/*.csv, figures/*.{svg,png} and
report/index.html. Stopped and started again it goes on where it was.
"""

from absl import flags

from experiments import cli
from experiments import cohort
from experiments import common
from experiments import family
from jaxseg import report
from jaxseg import study
from jaxseg import training

_STRUCTURES = flags.DEFINE_list(
  "structures",
  None,
  "Structures to train, a list of names, or all. Default: all; of the phantom"
  " those that are single or on the left, which takes five minutes.",
)

flags.adopt_module_key_flags(cohort)
flags.adopt_module_key_flags(family)


def main() -> None:
  cli.compilation_cache()
  names = family.named(_STRUCTURES.value or ["all"])
  run = cohort.prepared()
  names = family.available(run, names)
  if _STRUCTURES.value is None and run.store.synthetic:
    names = tuple(name for name in names if not name.endswith("_right"))
  configs = family.configs(run, names, default=list(training.OBJECTIVES))
  with cli.Console() as reporter:
    training.train_family(
      run.store, run.split, run.folder, configs, reporter=reporter
    )
  settings = study.Settings(seed=cohort.SEED.value)
  with cli.progress("sweeping") as on_model:
    results = study.sweep_run(run, settings=settings, on_model=on_model)
  sections = common.sweep(run, results, settings)
  sections += common.sensitivity(run, results)
  sections += common.prominence(run, results)
  sections += common.objectives(run, results)
  first = {c.structure: c for c in reversed(configs)}
  folders = [training.model_folder(run.folder, c) for c in first.values()]
  origin = common.provenance(run)
  sections += report.example_sections(
    run.folder, study.examples(run, sorted(folders)), origin
  )
  path = run.folder / "report" / "index.html"
  report.write_study(
    path,
    run,
    study.sensitivity_medians(study.sensitivity(results)),
    study.objectives(results),
    sections,
    origin,
  )
  print(f"Written: {path}")


if __name__ == "__main__":
  cli.run(main)
