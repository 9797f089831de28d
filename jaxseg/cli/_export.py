r"""Exports trained models into one folder that stands alone.

    jaxseg export --model=runs/phantom --output=exported
    jaxseg export --model='runs/hn/models/*/bce/*' --output=hn
    jaxseg export --model=runs/hn --structure=brain --clean --stablehlo

The folder needs neither the run nor the data: copy it to where new patients
are. Models of one structure, such as several seeds, become an ensemble, whose
threshold is chosen on the validation patients of their run.

Writes OUTPUT/model.json (what it is, thresholds with intervals, what scans it
was trained on), OUTPUT/MODEL_CARD.md, OUTPUT/models/ with the weights, and
OUTPUT/stablehlo/ if asked. `jaxseg predict --model=OUTPUT` and
`jaxseg.load_model(OUTPUT)` use it.
"""

from jaxseg import errors
from jaxseg.cli import _flags
from jaxseg.cli import _model_flags
from jaxseg.cli import _place


def define(flags: _flags.Flags) -> None:
  _model_flags.define(flags)
  flags.string(
    "objective",
    "best",
    "NAME",
    "Which of a run's models: those trained on this objective; best takes for"
    " each structure the one of the highest validation Dice.",
  )
  flags.heading("The folder")
  flags.string(
    "output", None, "FOLDER", "A new folder.", default="runs/exported"
  )
  flags.switch(
    "clean",
    False,
    "Choose on the validation patients whether to keep the largest component"
    " alone, and to fill holes, after the cut.",
  )
  flags.switch(
    "stablehlo",
    False,
    "Write StableHLO as well, once its numbers were seen to be the same.",
  )
  flags.names(
    "platforms",
    ["cpu", "cuda", "tpu"],
    "NAMES",
    "What StableHLO is to run on.",
  )
  flags.string(
    "licence",
    "",
    "TEXT",
    "What may be done with the models, for the card.",
    default="not stated",
  )


def main(flags: _flags.Flags) -> None:
  from jaxseg import deploy
  from jaxseg.cli import _call
  from jaxseg.cli import _console

  output = _place.output(flags.output or "runs/exported")
  if not flags.stablehlo:
    flags.refuse(("platforms",), "--stablehlo")
  elif not any(flags.platforms):
    raise errors.ConfigError("--platforms: is empty; give cpu, cuda or tpu")
  if output.exists():
    raise errors.ExistingOutputError(
      f"--output: {output} already exists; name another, or delete it"
    )
  paths = _model_flags.paths(flags)
  _call.compilation_cache()
  with _console.progress("exporting") as on_step:
    done = deploy.export(
      paths,
      output,
      structures=_model_flags.structures(flags),
      objective=flags.objective,
      clean=flags.clean,
      stablehlo=flags.platforms if flags.stablehlo else (),
      licence=flags.licence,
      origin=_model_flags.origin(flags),
      on_step=on_step,
    )
  rows = []
  for name, about in done.structures.items():
    cut = about.get("cut") or {}
    low, high = cut.get("interval") or (None, None)
    rows.append(
      {
        "structure": name,
        "objective": ", ".join(about["objectives"]),
        "models": len(about["members"]),
        "threshold": cut.get("threshold"),
        "threshold_low": low,
        "threshold_high": high,
        "dice_test": about.get("scores", {}).get("dice_test"),
      }
    )
  _console.table(
    "Exported models",
    rows,
    {
      "structure": "structure",
      "objective": "objective",
      "models": "models",
      "threshold": "threshold",
      "threshold_low": "from",
      "threshold_high": "to",
      "dice_test": "test Dice",
    },
  )
  for note in done.notes:
    print(f"Note: {note}")
  print(f"Written: {output / 'model.json'}")
  print(f"Written: {output / 'MODEL_CARD.md'}")
  if flags.stablehlo:
    print(f"Written: {output / 'stablehlo'}")
