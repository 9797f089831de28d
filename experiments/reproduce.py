r"""Repeats the whole study: prepare, train, sweep, analyse, report.

    python -m experiments.reproduce
    python -m experiments.reproduce --cohort=openkbp --input=open-kbp

By default on the phantom, which needs no data and ends within 12 minutes on
two CPU cores. Ends with OUTPUT/tables/*.csv, figures/*.{svg,png} and
report/index.html. Stopped and started again it goes on where it was.
"""

from collections.abc import Sequence

from absl import flags

from experiments import cli
from experiments import common
from jaxseg import data
from jaxseg import report
from jaxseg import study
from jaxseg import training

_STRUCTURES = flags.DEFINE_list(
  "structures", ["all"], "Structures to train, a list of names, or all."
)


def main() -> None:
  cli.compilation_cache()
  run = common.prepared()
  names = common.chosen_structures(run, _STRUCTURES.value)
  configs = common.configs(run, names, default=list(training.OBJECTIVES))
  training.train_family(
    run.store, run.split, run.folder, configs, reporter=training.Console()
  )
  with report.progress("sweeping") as on_model:
    results = study.sweep_run(run, on_model=on_model)
  _report(run, results, configs)


def _report(
  run: data.Run,
  results: Sequence[study.ModelCounts],
  configs: Sequence[training.Config],
) -> None:
  origin = common.provenance(run)
  sections = [
    report.sweep_section(run, results, origin),
    report.sensitivity_section(run, results, origin),
    report.prominence_section(run, results, origin),
    report.objectives_section(run, results, origin),
  ]
  for section in sections:
    common.tell(section)
  first = {c.structure: c for c in reversed(configs)}
  folders = [training.model_folder(run.folder, c) for c in first.values()]
  sections += report.overlay_sections(run, sorted(folders))
  path = run.folder / "report" / "index.html"
  report.write_study(path, run, results, sections, origin)
  print(f"Written: {path}")


if __name__ == "__main__":
  cli.run(main)
