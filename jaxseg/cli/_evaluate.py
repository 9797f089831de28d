r"""Scores anyone's contours against references: all metrics, each structure.

    jaxseg evaluate --prediction=predicted --reference=patients
    jaxseg evaluate --prediction=labels_out --reference=labelsTs
    jaxseg evaluate --prediction=rt --reference='masks/*/*.nii.gz' --image=ct

Each side is RTSTRUCT or SEG, NIfTI, NRRD, MetaImage, .npy: a label map of each
case, or a folder of each case with a mask of each structure. Cases are paired
by the series that they were drawn on, then by their names; structures by what
their names mean (Parotid_L is left parotid), or by label.

Missed and hallucinated structures are counted, and have the worst value in
every mean. What nobody has contoured on a case is not scored. A bad case is
told and does not stop the others.

Writes OUTPUT/tables/scores.csv (each case and structure) and summary.csv (each
structure and metric, with intervals), evaluation.json, figures, and
report/index.html. OUTPUT/cases keeps the scores of each case, so that the same
command goes on where it stopped. With --shard it makes its part of these alone;
when OUTPUT/cases has all parts, the command without --shard does the rest.
"""

from collections.abc import Sequence
import functools
import math
import sys
import time
from typing import Any, TYPE_CHECKING

from jaxseg import errors
from jaxseg.cli import _dicom_flags
from jaxseg.cli import _flags
from jaxseg.cli import _place
from jaxseg.cli import _work_flags

if TYPE_CHECKING:
  from jaxseg import cohorts
  from jaxseg import study

# After so many seconds an evaluation that takes so many minutes more is long.
_SURE_S, _LONG_MIN = 20.0, 5.0


def define(flags: _flags.Flags) -> None:
  flags.heading("Contours")
  for name, what in (
    ("prediction", "The contours that are scored"),
    ("reference", "The contours that they are scored against"),
  ):
    flags.string(
      name,
      None,
      "FILES",
      f"{what}: a file, folder or glob.",
      default="required",
    )
  flags.string(
    "image",
    None,
    "FOLDER",
    "DICOM of the images, where it does not lie with the contours.",
    default="in --reference or --prediction",
  )
  flags.string(
    "pairs",
    None,
    "FILE",
    "A .csv file with the columns prediction and reference: names of cases that"
    " belong together.",
    default="none: by series, then by name",
  )
  flags.string(
    "output", "runs/evaluate", "FOLDER", "Gets tables, figures and the page."
  )
  flags.switch(
    "overwrite", False, "Replace an evaluation of other files or settings."
  )
  flags.names(
    "structures",
    None,
    "NAME",
    "Only these, by canonical names. One that no prediction names is missed"
    " then; else it is taken for one that was not to be predicted.",
    default="all",
  )
  flags.string(
    "aliases",
    None,
    "FILE",
    'JSON file of your names, {"their name": "parotid_left"}, or of labels,'
    ' {"1": "parotid_left"}; null leaves one out.',
    default="none",
  )
  flags.string(
    "prediction_aliases",
    None,
    "FILE",
    "The same for predictions alone, where the two sides differ.",
    default="that of --aliases",
  )
  flags.choice(
    "on_two",
    "refuse",
    ("refuse", "first", "union"),
    "Which to take when two contours of a side fit one structure.",
  )
  flags.choice(
    "absent",
    "auto",
    ("auto", "empty", "unknown"),
    "What a structure is that a case's reference does not have: empty, so that"
    " a prediction of it is hallucinated; unknown, so that it is not scored;"
    " auto is empty in label maps and unknown else.",
  )
  flags.choice(
    "layout",
    "auto",
    ("auto", "cases", "structures"),
    "How masks lie: each file a case with all structures (cases), or each"
    " folder a case and each file a structure (structures); auto tells by the"
    " names.",
  )
  flags.switch(
    "resample", False, "Interpolate predictions that are on another grid."
  )
  flags.heading("Metrics")
  flags.names(
    "tolerances", ["1", "2", "3"], "MM", "Tolerances of the surface Dice, mm."
  )
  flags.choice(
    "surface",
    "surfel",
    ("surfel", "voxel"),
    "Surfaces: weighted by area, as DeepMind's surface-distance has them, or"
    " border voxels, as MONAI's metrics have them.",
  )
  flags.switch("surfaces", True, "Compute distances of surfaces as well.")
  flags.number(
    "worst_distance",
    None,
    "MM",
    "What a missed structure counts as in means of distances, mm.",
    default="infinite",
  )
  flags.string(
    "patients",
    None,
    "REGEX|CSV",
    "Which cases are of one patient, for the intervals; as in sweep.",
    default="by folders case/organ, _scan1, _visit2, ...; said on the console",
  )
  flags.heading("Many cases")
  _work_flags.define(flags)
  _work_flags.define_scheduler(flags)
  _work_flags.define_shard(flags, "cases", ": scores them and stops")
  _dicom_flags.define_contours(flags)


def main(flags: _flags.Flags) -> None:
  from jaxseg import parallel
  from jaxseg import study
  from jaxseg.cli import _evaluate_sides
  from jaxseg.cli import _evaluate_told

  if flags.workers is not None and flags.workers < 1:
    raise errors.ConfigError(f"--workers: {flags.workers} is below 1")
  if flags.shard:
    parallel.shard([], flags.shard)
  output = _place.output(
    flags.output, prediction=flags.prediction, reference=flags.reference
  )
  options, distance = _settings(flags)
  ours, theirs = _evaluate_sides.sides(flags, options)
  pairs = _evaluate_sides.pairs(flags.pairs, ours, theirs)
  names = [pair[1] for pair in pairs]
  alone = _evaluate_told.alone(pairs, ours, theirs)
  patients = study.patients(names, flags.patients)
  settings = _evaluate_told.settings(
    dict(zip(names, patients.of, strict=True)), distance
  )
  if not flags.overwrite:
    _evaluate_told.check_free(output, settings)
  kept = study.KeptScores(
    output / "cases",
    pairs,
    predictions=ours,
    references=theirs,
    options=options,
    overwrite=flags.overwrite,
  )
  print(f"{patients.sentence}; --patients changes this")
  some = parallel.shard(pairs, flags.shard) if flags.shard else pairs
  found, refused = _scored(flags, some, kept, ours, theirs, options)
  if flags.shard:
    _evaluate_told.tell_shard(len(found), refused, output / "cases")
    return
  scores = study.settled(
    [row for name in names for row in found.get(name, ())],
    options.structures or (),
  )
  _evaluate_told.check(scores, refused, options.structures or ())
  summary = study.evaluation_summary(
    scores,
    patients=dict(zip(names, patients.of, strict=True)),
    worst_distance=distance,
  )
  brief = _evaluate_told.alone(pairs, ours, theirs, brief=True)
  _evaluate_told.tell(scores, summary, refused, brief)
  _evaluate_told.save(
    output,
    scores,
    summary,
    refused=refused,
    alone=alone,
    synthetic=ours.synthetic or theirs.synthetic,
    surface=options.surface,
    worst_distance=distance,
    settings=settings,
    command=flags.command,
  )


def _scored(
  flags: _flags.Flags,
  pairs: Sequence[tuple[str, str]],
  kept: "study.KeptScores",
  ours: "cohorts.Side",
  theirs: "cohorts.Side",
  options: "study.EvaluateOptions",
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str]]:
  """Rows of each case, and why others have none; what was kept is kept."""
  from jaxseg import parallel
  from jaxseg.cli import _console

  before = {pair[1]: kept.rows(pair) for pair in pairs}
  found = {name: rows for name, rows in before.items() if rows is not None}
  refused: dict[str, str] = {}
  todo = [pair for pair in pairs if pair[1] not in found]
  if found:
    print(f"{len(found)} of {len(pairs)} cases were scored before")
  work = parallel.run(
    functools.partial(
      _case, predictions=ours, references=theirs, options=options
    ),
    todo,
    workers=flags.workers,
    scheduler=flags.scheduler,
    here_first=True,
  )
  hint = _Hint(len(todo), options.surfaces)
  with _console.progress("scoring") as on_case:
    for done, (index, (rows, why)) in enumerate(work, start=len(found) + 1):
      hint.one_more()
      name = todo[index][1]
      if why:
        refused[name] = why
      else:
        kept.keep(todo[index], rows)
        found[name] = rows
      on_case(name, done, len(pairs))
  return found, {name: refused[name] for name in before if name in refused}


class _Hint:
  """Tells once, in time, how a long evaluation becomes a short one."""

  def __init__(self, cases: int, surfaces: bool):
    self._left, self._done = cases, 0
    self._wanted = surfaces
    self._began = time.monotonic()

  def one_more(self) -> None:
    """A case is scored."""
    self._done += 1
    self._left -= 1
    took = time.monotonic() - self._began
    minutes = took / self._done * self._left / 60
    if self._wanted and took > _SURE_S and minutes > _LONG_MIN:
      self._wanted = False
      print(
        f"Note: {self._left} cases will take about {minutes:.0f} minutes, most"
        " of it for distances of surfaces; --nosurfaces leaves these out",
        file=sys.stderr,
      )


def _case(
  pair: tuple[str, str],
  *,
  predictions: "cohorts.Side",
  references: "cohorts.Side",
  options: "study.EvaluateOptions",
) -> tuple[list[dict[str, Any]], str]:
  """Scores of a case, and why there are none."""
  from jaxseg import study

  try:
    return study.evaluate_case(
      pair, predictions=predictions, references=references, options=options
    ), ""
  except (errors.JaxsegError, MemoryError) as e:
    return [], str(e) or "needs more memory than there is"


def _settings(flags: _flags.Flags) -> "tuple[study.EvaluateOptions, float]":
  """How contours are compared, and the worst distance, mm."""
  from jaxseg import structures
  from jaxseg import study

  tolerances = []
  for text in flags.tolerances:
    try:
      tolerances.append(float(text))
    except ValueError:
      tolerances.append(math.nan)
    if not 0 <= tolerances[-1] < math.inf:
      raise errors.ConfigError(
        f"--tolerances: {text!r} is no distance in mm; write 1,2,3"
      )
  distance = math.inf if flags.worst_distance is None else flags.worst_distance
  if not distance >= 0:
    raise errors.ConfigError(
      f"--worst_distance: {distance} is not 0 or more; give mm"
    )
  own = structures.read_aliases(flags.aliases) if flags.aliases else {}
  theirs = own
  if flags.prediction_aliases:
    theirs = structures.read_aliases(flags.prediction_aliases)
  known = {*structures.names(kind="any"), *own.values(), *theirs.values()}
  wanted = tuple(
    name if name in known else _resolved(name)
    for name in flags.structures or ()
    if name
  )
  options = study.EvaluateOptions(
    tolerances=tuple(tolerances),
    surface=flags.surface,
    absent=flags.absent,
    resample=flags.resample,
    on_two=flags.on_two,
    structures=wanted or None,
    prediction_aliases=theirs,
    reference_aliases=own,
    surfaces=flags.surfaces,
  )
  return options, distance


def _resolved(name: str) -> str:
  """The canonical name, or the name itself, as files may have it."""
  from jaxseg import structures

  try:
    return structures.resolve(name)
  except errors.StructureNotFoundError:
    return name
