r"""Cuts probability maps at a chosen threshold and writes masks.

    jaxseg apply --probabilities=maps --threshold=runs/sweep
    jaxseg apply --probabilities='nnunet/*.npz' --threshold=0.38 --class=1
    jaxseg apply --probabilities=new --output=masks \
        --threshold=runs/sweep/classes/liver/threshold.json

A voxel is inside where float32(p) >= float32(threshold), as in the sweep that
chose it; the class of the maps is the one that was swept. The folder of a sweep
over several classes cuts each of them at its own threshold.

After a sweep with --per_case each map is cut at a threshold of its own, which
OUTPUT/thresholds.csv lists; --per_case=none cuts all at the one threshold.

Writes OUTPUT/<map>.nii.gz (runs/masks if left out), 0 and 1, with the map's
geometry and order of axes; .npy where the map has no geometry; of several
classes OUTPUT/<class>/<map>.nii.gz.
"""

from collections.abc import Iterator, Sequence
import dataclasses
import functools
import itertools
import pathlib
from typing import Any, NamedTuple, TYPE_CHECKING

from jaxseg import errors
from jaxseg.cli import _flags
from jaxseg.cli import _maps_classes
from jaxseg.cli import _place
from jaxseg.cli import _work_flags

if TYPE_CHECKING:
  from jaxseg import study
  from jaxseg import volume


_THRESHOLDS = "thresholds.csv"


@dataclasses.dataclass(frozen=True)
class _Cut:
  """A threshold, the class of the maps it is for, and where masks go.

  With a way `per_case` the chooser gives each map a threshold of its own.
  """

  threshold: float
  structure: str | int | None
  folder: pathlib.Path
  per_case: str | None = None
  chooser: "study.Chooser | None" = None


class _Mask(NamedTuple):
  """A mask that is there now, and whether it was before."""

  path: pathlib.Path
  voxels: int
  threshold: float
  kept: bool


def define(flags: _flags.Flags) -> None:
  flags.heading("Masks from maps")
  flags.string(
    "probabilities",
    None,
    "FILES",
    "Probability maps, a folder or glob: NIfTI, NRRD, MetaImage, .npy,"
    " nnU-Net's .npz, fractional DICOM SEG.",
    default="required",
  )
  flags.string(
    "threshold",
    None,
    "FILE",
    "A threshold.json, the folder of a sweep that holds one or several, or a"
    " number from 0 to 1.",
    default="required",
  )
  flags.string(
    "class",
    None,
    "WHICH",
    "Class, channel or segment of the maps, an index or a name; of the folder"
    " of a sweep over several a list, or all.",
    default="that of the threshold, or all of its folder",
  )
  flags.choice(
    "per_case",
    None,
    ("expected", "volume", "none"),
    "Cuts each map at a threshold of its own, as a sweep with --per_case has"
    " learnt: expected, where the map expects the highest Dice; volume, by its"
    " volume. none cuts all at the one threshold.",
    default="that of the sweep",
  )
  flags.switch(
    "eight_bit",
    False,
    "Maps of whole numbers store 255 x p in 8 bits, or 65535 x p in 16.",
  )
  flags.string(
    "output", None, "FOLDER", "Gets the masks.", default="runs/masks"
  )
  flags.switch("overwrite", False, "Replace masks that are there and differ.")
  _work_flags.define(flags)


def main(flags: _flags.Flags) -> None:
  from jaxseg import formats
  from jaxseg import parallel
  from jaxseg.cli import _console

  if flags.workers is not None and flags.workers < 1:
    raise errors.ConfigError(f"--workers: {flags.workers} is below 1")
  output = _place.output(flags.output or "runs/masks")
  cuts = _cuts(flags.threshold, getattr(flags, "class"), output, flags.per_case)
  maps = formats.find_maps(flags.probabilities)
  _place.check_apart(
    output,
    (path for cut in cuts for path in _targets(cut, [n for n, _ in maps])),
    (one for _, path in maps for one in (path, *formats.companions(path))),
    "the maps",
  )
  for cut in cuts:
    of = "" if cut.structure is None else f"class {cut.structure}: "
    if cut.chooser is None:
      print(f"{of}cut at {cut.threshold:g}")
    else:
      print(f"{of}each map cut at a threshold of its own, by {cut.per_case}")
  # First those with a mask, lest masks of two thresholds end up together.
  before = [
    k
    for k, (name, _) in enumerate(maps)
    if any(_there(cut.folder / name) for cut in cuts)
  ]
  after = sorted(set(range(len(maps))) - set(before))
  empty: list[pathlib.Path] = []
  used: dict[tuple[int, int], float] = {}
  kept = 0
  count = itertools.count(1)
  with _console.progress("cutting") as on_case:
    for part in (before, after):
      work = parallel.run(
        functools.partial(
          _write, cuts=cuts, eight_bit=flags.eight_bit,
          overwrite=flags.overwrite,
        ),
        [maps[k] for k in part],
        workers=flags.workers,
        here_first=True,
      )  # fmt: skip
      for index, written in work:
        for place, one in enumerate(written):
          empty += [] if one.voxels else [one.path]
          used[place, part[index]] = one.threshold
          kept += one.kept
        on_case(maps[part[index]][0], next(count), len(maps))
  for place, cut in enumerate(cuts):
    if cut.chooser is not None:
      own = [used[place, index] for index in range(len(maps))]
      _tell_thresholds(cut.folder, [name for name, _ in maps], own)
  for path in sorted(empty)[:10]:
    print(f"empty: {path}")
  if len(empty) > 10:
    print(f"and {len(empty) - 10} more empty masks")
  masks = len(maps) * len(cuts)
  was = f", {kept} of them before" if kept else ""
  print(f"Written: {masks} mask{'s' if masks != 1 else ''} into {output}{was}")


def _tell_thresholds(
  folder: pathlib.Path, names: Sequence[str], used: Sequence[float]
) -> None:
  """Keeps and prints the thresholds of the maps."""
  import csv
  import io

  from jaxseg import _files

  text = io.StringIO()
  rows = csv.writer(text, lineterminator="\n")
  rows.writerow(["map", "threshold"])
  rows.writerows(
    (name, f"{cut:.6g}") for name, cut in zip(names, used, strict=True)
  )
  path = folder / _THRESHOLDS
  _files.write_text(path, text.getvalue())
  print(f"thresholds from {min(used):.3g} to {max(used):.3g}; Written: {path}")


def _targets(cut: _Cut, names: Sequence[str]) -> Iterator[pathlib.Path]:
  """Files that may be written."""
  for name in names:
    yield from _masks(cut.folder / name)
  if cut.chooser is not None:
    yield cut.folder / _THRESHOLDS


def _there(stem: pathlib.Path) -> list[pathlib.Path]:
  """Masks of a map that are there already."""
  return [path for path in _masks(stem) if path.exists()]


def _masks(stem: pathlib.Path) -> list[pathlib.Path]:
  """Where the mask of a map may be, with and without a geometry."""
  return [stem.with_name(stem.name + end) for end in (".nii.gz", ".npy")]


def _check_same(path: pathlib.Path, mask: "volume.Volume") -> None:
  """Refuses a mask that is there and is not the one that would be written."""
  from jaxseg import formats
  from jaxseg import volume

  try:
    found: Any = formats.read_mask(path)
    if mask.grid is not None:
      found = volume.reorder(found, mask.grid)
    same = found is not None and bool((found.array == mask.array).all())
  except (errors.JaxsegError, ValueError):
    same = False
  if not same:
    raise errors.ExistingOutputError(
      f"{path}: already exists, and is another mask than this command writes;"
      " give another --output, or --overwrite"
    )


def _cuts(
  given: str,
  structure: str | None,
  output: pathlib.Path,
  per_case: str | None,
) -> Sequence[_Cut]:
  """What to cut at: a number, a file, or the files of a folder."""
  wanted = _maps_classes.names(structure, "--class")
  try:
    number = float(given)
  except ValueError:
    pass
  else:
    if per_case not in (None, "none"):
      raise errors.ConfigError(
        f"--per_case: {per_case} is learnt by a sweep, and --threshold={given}"
        " is a number; give the sweep's folder"
      )
    return _at(number, wanted, output)
  place = pathlib.Path(given)
  cuts: list[_Cut] = []
  every = wanted in ([], ["all"])
  for path, chosen in _maps_classes.chosen(place, every):
    # A run's structure is no class of its maps, which have one channel.
    swept: Any = chosen.details.get("class")
    cut = _Cut(chosen.threshold, swept, output / path.parent.name)
    lacking = () if cuts else chosen.details.get("missing_cases")
    cuts.append(_per_case(cut, path, chosen.details.get("per_case"), per_case))
    if lacking:
      print(f"Note: {given} was chosen without {len(lacking)} of its cases")
  if len(cuts) == 1 and len(wanted) < 2:
    (cut,) = cuts
    if not every:
      cut = dataclasses.replace(cut, structure=wanted[0])
    return [dataclasses.replace(cut, folder=output)]
  if every:
    return cuts
  known = {**{str(c.structure): c for c in cuts}}
  known |= {cut.folder.name: cut for cut in cuts}
  for one in map(str, wanted):
    if one not in known:
      raise errors.ConfigError(
        f"--class: {place} has no threshold of {one}; it has"
        f" {', '.join(cut.folder.name for cut in cuts)}"
      )
  chosen_cuts = [known[str(one)] for one in wanted]
  if len(chosen_cuts) == 1:
    return [dataclasses.replace(chosen_cuts[0], folder=output)]
  return chosen_cuts


def _per_case(
  cut: _Cut, path: pathlib.Path, learnt: Any, asked: str | None
) -> _Cut:
  """The same cut with a threshold for each map, where that is wanted."""
  if asked == "none" or (learnt is None and asked is None):
    return cut
  if learnt is None:
    raise errors.ConfigError(
      f"--per_case: {path} holds no choice per case; sweep again with"
      f" --per_case={asked}"
    )
  from jaxseg import study

  try:
    chooser = study.Chooser.from_json(learnt)
    how = asked or learnt["method"]
    if how not in study.PER_CASE:
      raise errors.DataError(f"{how!r} is no way to choose per case")
  except (errors.DataError, KeyError) as e:
    raise errors.DataError(f"{path}: {e}") from e
  return dataclasses.replace(cut, per_case=how, chooser=chooser)


def _at(
  number: float, wanted: Sequence[str | int], output: pathlib.Path
) -> Sequence[_Cut]:
  """One number for each class wanted."""
  from jaxseg import study

  if not 0 <= number <= 1:
    raise errors.ConfigError(f"--threshold: {number} is not from 0 to 1")
  if "all" in wanted:
    raise errors.ConfigError(
      "--class: all goes with the folder of a sweep over classes; name those"
      " that are cut at a number"
    )
  if len(wanted) < 2:
    return [_Cut(number, wanted[0] if wanted else None, output)]
  slugs = study.class_folders([(one, None) for one in wanted])
  return [
    _Cut(number, one, output / slug)
    for one, slug in zip(wanted, slugs, strict=True)
  ]


def _write(
  one: tuple[str, pathlib.Path],
  *,
  cuts: Sequence[_Cut],
  eight_bit: bool,
  overwrite: bool,
) -> list[_Mask]:
  """Cuts one map: its masks, of which those that are there are compared."""
  import numpy as np

  from jaxseg import _probabilities
  from jaxseg import formats

  name, path = one
  written = []
  with formats.held():
    for cut in cuts:
      given = formats.read_probabilities(
        path, structure=cut.structure, eight_bit=eight_bit
      )
      p = _probabilities.on_host(given.array)
      if given.array.dtype == np.uint8:
        p /= np.float32(255)
      try:
        _probabilities.check(p)
      except errors.DataError as e:
        raise errors.DataError(f"{path}: {e}") from e
      threshold = cut.threshold
      if cut.chooser is not None and cut.per_case is not None:
        size = np.nan if given.grid is None else given.grid.voxel_ml
        try:
          threshold = cut.chooser.of_map(p, cut.per_case, voxel_ml=size)
        except errors.DataError as e:
          raise errors.DataError(f"{path}: {e}") from e
      mask = given.with_array(p >= np.float32(threshold))
      stem = cut.folder / name
      before = [] if overwrite else _there(stem)
      for place in before:
        _check_same(place, mask)
      if not before:
        place = formats.write_mask(stem, mask, overwrite=overwrite)
      voxels = int(mask.array.sum())
      written.append(_Mask(place, voxels, threshold, bool(before)))
  return written
