r"""Sweeps the threshold over probability maps: a run's, or anyone's.

    jaxseg sweep --output=runs/openkbp
    jaxseg sweep --probabilities=maps --reference=labels
    jaxseg sweep --probabilities='nnunet/*.npz' --class=1 \
        --reference='labelsTr/*.nii.gz' --label=1 --output=runs/liver

For a run, sweeps the maps of each trained model: the threshold is chosen on
the validation patients and scored on the test patients. Writes each model's
threshold.json.

For your own maps, paired with references by name or by --pairs, writes
threshold.json and report/index.html into OUTPUT (runs/sweep if left out); with
several classes OUTPUT/classes/<class>/threshold.json, which cut maps by
    jaxseg apply --probabilities=maps --threshold=OUTPUT

--merge combines counts from other machines. Where cases are missing it names
them and stops; with --partial it goes on without them, and threshold.json and
the page name them.

Both write OUTPUT/counts/*.npz, tables/*.csv (optimum or sweep, curve, cases,
calibration, reliability, surfaces) and figures/*.{svg,png,pdf}.

What was counted before is not counted again.
"""

from jaxseg.cli import _analyses
from jaxseg.cli import _better_flags
from jaxseg.cli import _call
from jaxseg.cli import _cohort_flags
from jaxseg.cli import _crop
from jaxseg.cli import _flags
from jaxseg.cli import _maps


def define(flags: _flags.Flags) -> None:
  _maps.define(flags)
  flags.heading("Models of a run")
  _better_flags.define_tta(flags)
  _cohort_flags.define_run(flags)


def main(flags: _flags.Flags) -> None:
  if flags.probabilities or flags.reference or flags.pairs or flags.merge:
    flags.refuse(("tta",), "the models of a run (--output)")
    _maps.main(flags)
    return
  flags.refuse(_maps.OF_MAPS, "--probabilities")

  from jaxseg import study
  from jaxseg.cli import _console

  settings = _maps.settings(flags)
  tta = _better_flags.tta(flags)
  _call.compilation_cache()
  run = _cohort_flags.open_run(flags)
  _crop.tell_run(run)
  with _console.progress("sweeping") as on_model:
    results = study.sweep_run(
      run, settings=settings, tta=tta, on_model=on_model
    )
  _analyses.sweep(flags, run, study.learnt(results)[0], settings)
  _analyses.tell_missing(run)
