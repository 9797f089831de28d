"""MODEL_CARD.md: what a model is, for those who are to use it."""

from collections.abc import Mapping, Sequence
from typing import Any

from jaxseg import structures as vocabulary

_STEPS = {"largest": "largest component alone", "holes": "holes filled"}


def card(content: Mapping[str, Any]) -> str:
  """The card of an export.

  Args:
    content: Its model.json.

  Returns:
    Markdown, ending in a newline.
  """
  found: Mapping[str, Any] = content["structures"]
  parts = [
    "# Model card",
    _what(content, found),
    "Not for clinical use: every contour needs the eyes of someone who is"
    " trained to draw it.",
    "## Structures\n" + _table(_rows(found)),
    "Dice is of all voxels of the test patients together, whom neither the"
    " weights nor the threshold were chosen on, with its 95 % interval over"
    " patients. A voxel is inside where float32(p) >= float32(threshold).",
    *_choices(found),
    "## Training\n" + _training(found),
    "## Scans like those of the training\n" + _scans(found),
    "`jaxseg predict` measures the same of each new scan, says what is far from"
    " it, and refuses what no such network can know.",
    "## Use\n```\njaxseg predict --model=THIS_FOLDER --input=CT_FOLDER"
    f" --output=OUT{_cut(found)}\n```\n```python\nimport jaxseg\n\nmodel ="
    f' jaxseg.load_model("THIS_FOLDER", structure="{next(iter(found))}")\n'
    "```",
    f"## Licence\n{_plain(content['licence'])}",
  ]
  return "\n\n".join(parts) + "\n"


def _what(content: Mapping[str, Any], found: Mapping[str, Any]) -> str:
  members = sum(len(one["members"]) for one in found.values())
  modality = "/".join(sorted({str(one["modality"]) for one in found.values()}))
  structures = "structure" if len(found) == 1 else "structures"
  networks = "network" if members == 1 else "networks"
  text = (
    f"{len(found)} {structures} on {modality}, {members} {networks}, trained"
    f" and exported by jaxseg {content['version']}"
  )
  if content.get("date"):
    text += f" on {content['date']}"
  if content.get("commit"):
    text += f" (commit {content['commit']})"
  text += "."
  if any(one["synthetic"] for one in found.values()):
    text += (
      " **Trained on made-up patients: it shows that the path works, and says"
      " nothing about people.**"
    )
  return text


def _cut(found: Mapping[str, Any]) -> str:
  """The flag that predict wants where a structure has no threshold."""
  return (
    "" if all(one.get("cut") for one in found.values()) else " --threshold=T"
  )


def _rows(found: Mapping[str, Any]) -> list[Sequence[str]]:
  rows: list[Sequence[str]] = [
    ("structure", "threshold (interval)", "test Dice", "at 0.5", "temperature")
  ]
  for name, one in found.items():
    cut, scores = one.get("cut"), one.get("scores") or {}
    said = "none"
    if cut:
      said = f"{cut['threshold']:.3g}"
      if cut.get("interval"):
        low, high = cut["interval"]
        said += f" ({low:.3g} to {high:.3g})"
    dice = _number(scores.get("dice_test"))
    if scores.get("dice_test_low") is not None:
      low, high = scores["dice_test_low"], scores["dice_test_high"]
      dice += f" ({low:.3f} to {high:.3f})"
    rows.append(
      (
        _label(name),
        said,
        dice,
        _number(scores.get("dice_test_half")),
        _number(one.get("temperature"), 2),
      )
    )
  return rows


def _training(found: Mapping[str, Any]) -> str:
  head = ("structure", "objective", "seeds", "cohort", "its hash", "patients")
  rows: list[Sequence[str]] = [(*head, "after the cut")]
  for name, one in found.items():
    post = one.get("postprocess") or {}
    steps = [said for key, said in _STEPS.items() if post.get(key)]
    rows.append(
      (
        _label(name),
        ", ".join(one["objectives"]),
        ", ".join(map(str, one["seeds"])),
        str(one.get("cohort") or "unknown"),
        ", ".join(_hashes(one)),
        _patients(one),
        " and ".join(steps) or "nothing",
      )
    )
  return _table(rows)


def _patients(one: Mapping[str, Any]) -> str:
  """How many patients a structure was trained on, of all that is known."""
  known, cohorts = one.get("training") or {}, len(_hashes(one))
  number = str(known.get("patients", "unknown"))
  if cohorts == 1 or known.get("cohorts") == cohorts or not known:
    return number
  if "cohorts" not in known:  # As earlier versions exported them.
    return f"{number} of the first"
  return f"{number} of {known['cohorts']} of them"


def _hashes(one: Mapping[str, Any]) -> list[str]:
  """Hashes of the cohorts of an ensemble's members, each once."""
  return one.get("cohort_hashes") or [str(one.get("cohort_hash") or "unknown")]


def _choices(found: Mapping[str, Any]) -> list[str]:
  """Which structures gain by a threshold for each patient."""
  rows: list[Sequence[str]] = [("structure", "better", "gain in test Dice")]
  for name, one in found.items():
    choice = one.get("choice") or {}
    for way in choice.get("ways", ()):
      if way["method"] == choice.get("better"):
        gain = f"{way['gain']:+.3f}"
        gain += f" ({way['gain_low']:+.3f} to {way['gain_high']:+.3f})"
        rows.append((_label(name), way["method"], gain))
  if len(rows) == 1:
    return []
  return [
    "A threshold chosen for each map was better, on the test patients, for"
    " these; `jaxseg predict --per_case=best` takes it.",
    _table(rows),
  ]


def _scans(found: Mapping[str, Any]) -> str:
  from jaxseg.deploy import _likeness

  known = next(
    (
      one["training"]["measures"]
      for one in found.values()
      if (one.get("training") or {}).get("measures")
    ),
    None,
  )
  if known is None:
    return "Not known: the run was not there when the models were exported."
  rows: list[Sequence[str]] = [("measure", "lowest", "median", "highest")]
  said = {
    **{k: v[:2] for k, v in _likeness.TIMES.items()},
    **{k: v[:2] for k, v in _likeness.PLUS.items()},
  }
  for name, (text, unit) in said.items():
    if name in known:
      full = f"{text}, {unit}" if unit else text
      rows.append((full, *(f"{value:.3g}" for value in known[name])))
  return _table(rows)


def _label(name: str) -> str:
  if name in vocabulary.names(kind="any"):
    return vocabulary.get(name).label
  return _plain(name)


def _number(value: Any, digits: int = 3) -> str:
  return "" if value is None else f"{value:.{digits}f}"


def _plain(text: object) -> str:
  """Text that Markdown and HTML take for text, on one line."""
  line = " ".join(str(text).split())
  for one, other in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|")):
    line = line.replace(one, other)
  return line


def _table(rows: Sequence[Sequence[str]]) -> str:
  head, *others = [[_plain(cell) for cell in row] for row in rows]
  lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head),
                                                    *others)]  # fmt: skip
  return "\n".join(lines)
