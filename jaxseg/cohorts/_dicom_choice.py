"""Which of a patient's images and structure sets are used, and why."""

import collections
from collections.abc import Callable, Collection, Sequence
import dataclasses
import filecmp
import pathlib

from jaxseg import _text
from jaxseg import dicom
from jaxseg import errors


@dataclasses.dataclass(frozen=True)
class Outline:
  """An ROI or segment before it is filled.

  Attributes:
    number: ROINumber or SegmentNumber.
    name: ROIName or SegmentLabel; may be hostile.
    empty: Whether it has no closed contour.
    source: Which of the drawings that are used it is of, from 0.
    file: Name of its file where several are used, else "".
    malformed: Of an empty one, why its contours were refused, or "".
  """

  number: int
  name: str
  empty: bool
  source: int = 0
  file: str = ""
  malformed: str = ""


@dataclasses.dataclass(frozen=True)
class Drawing:
  """An RTSTRUCT or SEG.

  Attributes:
    path: The file.
    kind: "RTSTRUCT" or "SEG".
    label: StructureSetLabel or ContentLabel; may be hostile.
    date: Date and time as in the file, for sorting; "" where absent.
    series: SeriesInstanceUIDs that it was drawn on.
    frames: FrameOfReferenceUIDs that it names.
    outlines: Its ROIs or segments.
    notes: What was unusual.
    content: Digest of the contours with their names, "" where only the files
      tell whether two are the same.
  """

  path: pathlib.Path
  kind: str
  label: str
  date: str
  series: tuple[str, ...]
  frames: tuple[str, ...]
  outlines: tuple[Outline, ...]
  notes: tuple[str, ...] = ()
  content: str = ""

  @property
  def rank(self) -> tuple[bool, str]:
    """What comes first has more: a SEG is mostly made from an RTSTRUCT."""
    return self.kind == "RTSTRUCT", self.date

  def __str__(self) -> str:
    when = self.date.strip() or "no date"
    return f"{self.path.name} ({self.kind}, {_text.shown(self.label)}, {when})"


@dataclasses.dataclass(frozen=True)
class Choice:
  """What is used of a patient.

  Attributes:
    image: The CT or MR series.
    drawings: The contours on it; of two that have a structure, the first
      decides.
    notes: What was unusual.
    remarks: What was decided and may not be what the user wants.
  """

  image: dicom.Series
  drawings: tuple[Drawing, ...]
  notes: tuple[str, ...]
  remarks: tuple[str, ...]


_STUDIES = "; --patients_by=study takes each study for a patient"
Known = Callable[[Drawing], Collection[str]]
_Pair = tuple[Drawing, dicom.Series, list[str]]


def choose(
  images: Sequence[dicom.Series],
  drawings: Sequence[Drawing],
  *,
  structure_set: str,
  known: Known,
) -> Choice:
  """Chooses the contours and the image that they were drawn on.

  Args:
    images: The patient's series of the wanted modality.
    drawings: The patient's structure sets and segmentations.
    structure_set: "merge", "newest", "refuse", or a label.
    known: Drawing -> canonical names of the wanted structures in it.

  Raises:
    DataError: None fits an image, or which is meant cannot be told.
  """
  notes: list[str] = []
  fitting: list[_Pair] = []
  problems = []
  for one in _distinct(drawings, notes):
    try:
      fitting.append((one, *image_of(one, images)))
    except errors.JaxsegError as e:
      problems.append(f"{one}: {e}")
  if not fitting:
    raise errors.DataError("; ".join(problems[:4]))
  notes += problems
  fitting.sort(key=lambda pair: pair[0].date)
  if structure_set not in ("merge", "newest", "refuse"):
    fitting = _labelled(fitting, structure_set)
    structure_set = "newest"
  if structure_set == "refuse" and len(_preferred(fitting)) > 1:
    raise _several(_preferred(fitting), "")
  # What names nothing that is wanted competes with nothing.
  useful = [pair for pair in fitting if known(pair[0])]
  remarks = _left_out(fitting, useful, "names no wanted structure")
  fitting = useful or fitting
  if structure_set != "merge":
    return _newest(fitting, notes, remarks)
  return _merged(fitting, notes, remarks, known)


def _newest(
  fitting: Sequence[_Pair], notes: list[str], remarks: list[str]
) -> Choice:
  """The newest alone."""
  preferred = _preferred(fitting)
  if len(preferred) < len(fitting):
    segs = [str(pair[0]) for pair in fitting if pair not in preferred]
    notes.append(f"left out for an RTSTRUCT: {'; '.join(segs[:4])}")
  if len(preferred) > 1:
    if preferred[-1][0].date == preferred[-2][0].date:
      raise _several(preferred, ", with no newest")
    remarks = [
      *remarks,
      "took the newest of these: "
      + "; ".join(str(pair[0]) for pair in preferred[:6]),
    ]
  drawing, image, own = preferred[-1]
  return Choice(image, (drawing,), (*notes, *own), tuple(remarks))


def _merged(
  fitting: Sequence[_Pair], notes: list[str], remarks: list[str], known: Known
) -> Choice:
  """All on the image that shows most structures, the newest first."""
  structures: dict[str, set[str]] = collections.defaultdict(set)
  newest: dict[str, str] = collections.defaultdict(str)
  for drawing, image, _ in fitting:
    structures[image.key] |= set(known(drawing))
    newest[image.key] = max(newest[image.key], drawing.date)
  key = max(structures, key=lambda k: (len(structures[k]), newest[k]))
  tied = [
    k
    for k in structures
    if (len(structures[k]), newest[k]) == (len(structures[key]), newest[key])
  ]
  if len(tied) > 1:
    raise errors.DataError(
      f"{len(tied)} images have as many contoured structures, of the same date:"
      f" {'; '.join(tied[:4])}; choose one by the label of its structure set,"
      " or remove the others; or take each study for a patient"
      " (--patients_by=study)"
    )
  used = [pair for pair in fitting if pair[1].key == key]
  used.sort(key=lambda pair: pair[0].rank, reverse=True)
  remarks = remarks + _left_out(
    fitting, used, "is drawn on another image", _STUDIES
  )
  if len(used) > 1 and structures[key]:
    remarks.append(f"merged by structure, the newest first: {_listed(used)}")
  for _, _, own in used:
    notes += [note for note in own if note not in notes]
  drawings = tuple(
    dataclasses.replace(
      pair[0],
      outlines=tuple(
        dataclasses.replace(
          o, source=at, file=pair[0].path.name if len(used) > 1 else ""
        )
        for o in pair[0].outlines
      ),
    )
    for at, pair in enumerate(used)
  )
  return Choice(used[0][1], drawings, tuple(notes), tuple(remarks))


def _preferred(fitting: Sequence[_Pair]) -> list[_Pair]:
  """The RTSTRUCT, if there is one: a SEG beside it is mostly made from it."""
  drawn = [pair for pair in fitting if pair[0].kind == "RTSTRUCT"]
  return drawn or list(fitting)


def _labelled(fitting: Sequence[_Pair], label: str) -> list[_Pair]:
  found = [pair for pair in fitting if pair[0].label == label]
  if not found:
    labels = ", ".join(_text.shown(pair[0].label) for pair in fitting[:6])
    raise errors.DataError(
      f"no structure set is labelled {_text.shown(label)}; there are {labels}"
    )
  return found


def _left_out(
  fitting: Sequence[_Pair], kept: Sequence[_Pair], why: str, hint: str = ""
) -> list[str]:
  out = [pair for pair in fitting if pair not in kept]
  if not kept or not out:
    return []
  return [f"file not used, since it {why}: {_listed(out)}{hint}"]


def _listed(pairs: Sequence[_Pair]) -> str:
  more = f" and {len(pairs) - 6} more" if len(pairs) > 6 else ""
  return "; ".join(str(pair[0]) for pair in pairs[:6]) + more


def _several(pairs: Sequence[_Pair], why: str) -> errors.DataError:
  return errors.DataError(
    f"{len(pairs)} structure sets fit{why}: {_listed(pairs)}; choose one by its"
    " label (--structure_set=LABEL), take them all (--structure_set=merge), or"
    " remove the others"
  )


def _distinct(
  drawings: Sequence[Drawing], notes: list[str]
) -> Sequence[Drawing]:
  """Without copies: the same contours on the same images, exported again."""
  kept: list[Drawing] = []
  for one in drawings:
    for other in kept:
      same = (one.kind, one.label, one.content, one.series, one.frames) == (
        other.kind, other.label, other.content, other.series, other.frames,
      )  # fmt: skip
      if same and (
        one.content or filecmp.cmp(one.path, other.path, shallow=False)
      ):
        notes.append(f"{one.path.name} is a copy of {other.path.name}")
        break
    else:
      kept.append(one)
  return kept


def image_of(
  drawing: Drawing, images: Sequence[dicom.Series]
) -> tuple[dicom.Series, list[str]]:
  """The image that contours were drawn on, and notes.

  Raises:
    DataError: It is missing, or several fit.
  """
  named = [i for i in images if i.series_uid in drawing.series]
  notes = []
  what = images[0].modality if images else "CT"
  if not named:
    named = [i for i in images if i.frame_of_reference_uid in drawing.frames]
    notes.append(
      "the series that the contours refer to is missing; another one in the"
      " same frame of reference is used"
    )
  if not named:
    raise errors.DataError(
      f"refers to a series that is missing, and no {what} has its frame of"
      f" reference; add the {what} that it was drawn on"
    )
  if len(named) > 1:
    raise errors.DataError(
      f"fits {len(named)} groups of {what} images:"
      f" {'; '.join(map(str, named[:6]))}; remove all but one"
    )
  return named[0], notes
