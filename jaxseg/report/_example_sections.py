"""A section of the page for each patient who is shown."""

from collections.abc import Sequence
import pathlib

from jaxseg import study
from jaxseg.report import _overlay
from jaxseg.report import _page
from jaxseg.report import _sections
from jaxseg.report import _wording


def example_sections(
  folder: pathlib.Path,
  examples: Sequence[study.Example],
  provenance: _sections.Origin,
) -> list[_page.Section]:
  """Predictions over references, a patient each: figures/overlay-*.

  Args:
    folder: Run folder to write into.
    examples: What `study.examples` gave.
    provenance: What `report.provenance` gave.
  """
  sections = []
  for one in examples:
    label = _wording.structure_label(one.structure)
    stem = f"overlay-{one.structure}-{one.objective.replace(':', '.')}"
    drawn = _overlay.overlay(
      one.image_hu,
      one.reference,
      one.probability,
      one.threshold,
      f"{label}, {_sections.who(provenance)} {one.patient}, slice {one.slice}",
      pixel_mm=one.pixel_mm,
    )
    sections.append(
      _sections.written(
        folder,
        provenance,
        {},
        {stem: (drawn, f"{label}: reference and prediction on one slice")},
        title=f"A test patient: {label}",
        text=f"Patient {one.patient} (Dice {one.dice:.3f}, the median of the"
        f" test patients), slice {one.slice}; the model was trained on"
        f" {_wording.objective_label(one.objective)}.",
      )
    )
  return sections
