"""Who is who where a PatientID is not of one person alone."""

from collections.abc import Sequence

from jaxseg import dicom
from jaxseg.cohorts import _dicom_choice


def people(
  found: Sequence[dicom.Series],
  drawings: Sequence[_dicom_choice.Drawing],
  *,
  by_study: bool = False,
) -> list[list[dicom.Series]]:
  """Divides the series of one PatientID among people.

  Series of one study or frame of reference, and contours with what they were
  drawn on, are of one person whatever their headers say. Those that are linked
  by nothing and have another name or birth date are of another one.

  Args:
    found: All series with a PatientID.
    drawings: The contours among them.
    by_study: Take all that is not linked for different people, whatever their
      names are.

  Returns:
    The series of each person, one list if there is but one.
  """
  linked: list[tuple[set[str], list[dicom.Series]]] = []
  of_path = {drawing.path: drawing for drawing in drawings}
  for series in found:
    links = {series.study_uid, series.series_uid, series.frame_of_reference_uid}
    for path in series.paths:
      if path in of_path:
        links |= {*of_path[path].series, *of_path[path].frames}
    links.discard("")
    own = [series]
    for other in [one for one in linked if one[0] & links]:
      links |= other[0]
      own = other[1] + own
      linked.remove(other)
    linked.append((links, own))
  if by_study:
    return [own for _, own in linked]
  result: list[tuple[set[tuple[str, str]], list[dicom.Series]]] = []
  for _, own in linked:
    who = {series.person for series in own if any(series.person)}
    for names, theirs in result:
      if not who or not names or any(_same(a, b) for a in who for b in names):
        names |= who
        theirs += own
        break
    else:
      result.append((who, own))
  return [own for _, own in result]


def _same(one: tuple[str, str], other: tuple[str, str]) -> bool:
  """Whether name and birth date agree as far as both are given."""
  return all(a == b for a, b in zip(one, other, strict=True) if a and b)
