"""What a scan's folder gets: contours, masks, maps, pictures, result.json.

OUT/SCAN/rtstruct.dcm, seg.dcm         contours and masks, of DICOM
OUT/SCAN/masks/STRUCTURE.nii.gz        0 and 1, on the scan's own grid
                                       (no NIfTI of a tilted gantry)
OUT/SCAN/maps/STRUCTURE.{nii.gz,dcm}   probabilities, where asked for
OUT/SCAN/overlays.png                  where asked for
OUT/SCAN/result.json                   volumes, and where all comes from
"""

from collections.abc import Container, Mapping, Sequence
import pathlib
import re
from typing import Any

from jaxseg import _digests
from jaxseg import _files
from jaxseg import _memory
from jaxseg import _sealed
from jaxseg import _text
from jaxseg import dicom
from jaxseg import errors
from jaxseg import formats
from jaxseg import Model
from jaxseg import structures
from jaxseg import volume as volumes
from jaxseg.deploy import _packed
from jaxseg.deploy import _predict

FORMAT = "jaxseg.result/1"
KINDS = ("rtstruct", "seg", "nifti", "maps", "overlays")
OF_DICOM = ("rtstruct", "seg")
# Of TG-263 the caret stands before a qualifier of one's own; a planning system
# that cuts names off at 16 characters keeps the two apart.
INNER, OUTER = "^i", "^o"
_STEMS = {"": "", INNER: "_inner", OUTER: "_outer"}
_ROI_NAME = 16  # Characters that every planning system shows.
_LONGEST_NAME = 64  # Characters of ROIName.
_SIDE = re.compile(r"_[A-Z]\Z")
_LONGEST = 1024  # Characters of StructureSetDescription.


def written(
  folder: pathlib.Path,
  ready: _predict.Ready,
  models: Mapping[str, Model],
  kinds: Sequence[str],
  *,
  settings: Mapping[str, Any],
  origin: Mapping[str, Any],
  **how: Any,
) -> dict[str, Any]:
  """Predicts all structures of a scan and writes what is wanted.

  Args:
    folder: A new folder, of which others see nothing before it is whole.
    ready: The scan.
    models: By structure.
    kinds: Of `KINDS`.
    settings: What result.json is to say of them, to be compared.
    origin: Command, version, commit.
    **how: As of `predict`.

  Returns:
    What result.json says.
  """
  image = ready.image
  series = image if isinstance(image, dicom.Image) else None
  kinds = _possible(image, kinds)
  left_out = _without_nifti(image, kinds)
  rows: dict[str, Any] = {}
  found: list[_predict.Found] = []
  drawn: dict[str, dicom.RtStructure] = {}
  for name, model in models.items():

    def on_map(whole: volumes.Volume, name: str = name) -> None:
      stem = folder / "maps" / _text.slug(name)
      _write_map(stem, whole, image, models[name], nifti=not left_out)

    one = _predict.predict(
      ready, model, maps=on_map if "maps" in kinds else None, **how
    )
    model.release()
    for end, packed in (("", one.mask), (INNER, one.inner), (OUTER, one.outer)):
      if packed is None:
        continue
      if "nifti" in kinds and not left_out:
        stem = folder / "masks" / (_text.slug(name) + _STEMS[end])
        formats.write_mask_slices(stem, packed.slices(), image.placed)
      if series and "rtstruct" in kinds:
        drawn[_roi_name(name, end, drawn)] = dicom.RtStructure(
          polygons=_predict.outlines(packed, series),
          color=_color(name),
          interpreted_type="ORGAN" if end and _color(name) else None,
          description=_description(one, model, end),
        )
    rows[name] = _row(one, model, ready)
    found.append(one)
    _memory.give_back()
  warnings = _warnings(ready)
  if series and "rtstruct" in kinds:
    dicom.write_rtstruct(
      folder / "rtstruct.dcm",
      drawn,
      series,
      series_description=_series_description(warnings),
      description=_whole_description(warnings),
    )
    drawn.clear()  # Noisy masks have as many points as voxels.
  if series and "seg" in kinds:
    masks = {one.structure: one.mask for one in found}
    dicom.write_seg(
      folder / "seg.dcm",
      _packed.Unpacked(masks),
      series,
      model="jaxseg",
      series_description=_series_description(warnings),
    )
  if "overlays" in kinds:
    from jaxseg.deploy import _overlay  # Needs Matplotlib.

    _overlay.write(folder / "overlays.png", ready, found)
  content = {
    "format": FORMAT,
    **origin,
    "scan": ready.scan.name,
    "image": _about(ready),
    "structures": rows,
    "warnings": [*warnings, *left_out],
    "settings": settings,
    "files": _digests.of_files(folder),
  }
  _sealed.write(folder / "result.json", _files.finite(content))
  return content


def check(ready: _predict.Ready, kinds: Sequence[str]) -> None:
  """Refuses a scan of which nothing can be written, before any is predicted.

  Raises:
    DataError: RTSTRUCT and SEG could not refer to it.
    GeometryError: NIfTI alone is asked for, and cannot say where it lies.
  """
  image = ready.image
  _without_nifti(image, _possible(image, kinds))
  if isinstance(image, dicom.Image) and {*OF_DICOM, "maps"} & set(kinds):
    dicom.check_referable(image)


def _possible(image: volumes.Volume, kinds: Sequence[str]) -> list[str]:
  """Those kinds that may be written of an image, DICOM or not."""
  series = isinstance(image, dicom.Image)
  return [one for one in kinds if series or one not in OF_DICOM]


def _without_nifti(
  image: volumes.Volume, kinds: Sequence[str]
) -> tuple[str, ...]:
  """What is said where masks and maps of NIfTI are left out; else nothing.

  Raises:
    GeometryError: Nothing else was asked for.
  """
  asked = [one for one in kinds if one in ("nifti", "maps")]
  try:
    if asked:
      formats.check_nifti(image.placed)
  except errors.GeometryError as e:
    of_dicom = isinstance(image, dicom.Image)
    if set(kinds) <= ({"nifti"} if of_dicom else {"nifti", "maps"}):
      raise
    return (f"no NIfTI is written ({', '.join(asked)}): {e}",)
  return ()


def _write_map(
  stem: pathlib.Path,
  whole: volumes.Volume,
  image: volumes.Volume,
  model: Model,
  *,
  nifti: bool,
) -> None:
  """A map as NIfTI, and of DICOM as a fractional SEG, in 255 steps."""
  if nifti:
    formats.write_map(stem, whole)
  if isinstance(image, dicom.Image):
    dicom.write_seg(
      stem.with_name(f"{stem.name}.dcm"),
      {model.structure: whole.array},
      image,
      model="jaxseg",
      series_description="Probabilities, unapproved",
    )


def _roi_name(structure: str, end: str, taken: Container[str]) -> str:
  """ROIName: that of TG-263, which makes room for what stands at its end.

  Args:
    structure: Canonical, or a name of one's own.
    end: "", `INNER` or `OUTER`.
    taken: Names that others have; one of them is numbered, "Brain^2".
  """
  name, longest = structure, _LONGEST_NAME
  if structure in structures.names(kind="any"):
    name, longest = structures.get(structure).tg263, _ROI_NAME
  # Left and right differ in their last letter alone.
  side = _SIDE.search(name)
  tail = side[0] if side else ""
  stem = name.removesuffix(tail)
  last, number = f"{tail}{end}", 1
  while (found := stem[: longest - len(last)] + last) in taken:
    number += 1
    last = f"{tail}{end or '^'}{number}"
  return found


def _color(structure: str) -> tuple[int, int, int] | None:
  if structure not in structures.names(kind="any"):
    return None
  return structures.get(structure).color


def _description(one: _predict.Found, model: Model, end: str) -> str:
  if end:
    low, high = one.facts["interval"]
    cut = high if end == INNER else low
    side = "inner" if end == INNER else "outer"
    level = round(100 * (one.facts.get("level") or 0.95))
    return f"{side}: cut at {cut:.4g}, end of its {level} % interval"
  members = len(model.folders)
  of = f", mean of {members} models" if members > 1 else ""
  text = f"model {model.facts['digest']} cut at {one.threshold:.4g}{of}"
  return text[:64]


def _series_description(warnings: Sequence[str]) -> str:
  if not warnings:
    return "Automatic contours, unapproved"
  number = len(warnings)
  return f"Automatic contours, unapproved, {number} warning" + (
    "s" if number > 1 else ""
  )


def _whole_description(warnings: Sequence[str]) -> str:
  """StructureSetDescription: as many warnings as it holds, each whole."""
  text = "Automatic contours, not approved."
  told = [
    f" ({number}) {_ascii(warning).rstrip(' .')}."
    for number, warning in enumerate(warnings, start=1)
  ]
  if told:
    text += " Warnings:"
  for kept in range(len(told), 0, -1):
    left = len(told) - kept
    more = f" And {left} more, in result.json." if left else ""
    if len(found := "".join([text, *told[:kept], more])) <= _LONGEST:
      return found
  return f"{text} {len(told)}, in result.json." if told else text


def _ascii(text: str) -> str:
  """Without what DICOM's texts must not hold."""
  return text.encode("ascii", "replace").decode().replace("\\", "/")


def _warnings(ready: _predict.Ready) -> list[str]:
  return [
    f"{name}: {one.text}" if name else one.text
    for name, remarks in ready.remarks.items()
    for one in remarks
  ]


def _row(
  one: _predict.Found, model: Model, ready: _predict.Ready
) -> dict[str, Any]:
  chosen = model.threshold
  about: dict[str, Any] = {**one.facts}
  about["threshold_from"] = "given"
  if one.facts["per_case"] != "off":
    about["threshold_from"] = f"per case, {one.facts['per_case']}"
  elif chosen is not None and chosen.threshold == one.threshold:
    about["threshold_from"] = chosen.criterion
  if not one.facts["voxels"]:
    about["note"] = "nothing was found"
  about["warnings"] = [r.text for r in ready.remarks.get(one.structure, ())]
  return {**about, **model_facts(model)}


def model_facts(model: Model) -> dict[str, Any]:
  """What tells which model it was."""
  names = ("objective", "seed", "cohort", "store", "version")
  return {
    "model": model.facts["digest"],
    "models": len(model.folders),
    "tta": model.tta,
    **{name: model.facts.get(name) for name in names},
  }


def _about(ready: _predict.Ready) -> dict[str, Any]:
  image = ready.image
  about: dict[str, Any] = {
    "digest": ready.digest,
    "files": len(ready.scan.paths),
    "shape": list(image.shape),
    "spacing_mm": [float(f"{mm:.6g}") for mm in image.spacing],
  }
  if isinstance(image, dicom.Image):
    about |= {
      "modality": image.modality,
      "study": image.study_uid,
      "series": image.series_uid,
      "frame_of_reference": image.frame_of_reference_uid,
      "notes": [str(note) for note in image.notes],
    }
  return about
