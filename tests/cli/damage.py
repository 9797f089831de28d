"""Damage to the files of a run: what may happen to them, and what came of it.

Each case is (name, function of a path); what a command does then is one word:
"same" (nothing of the results changed), "said" (the results differ, and the
console says why), "refused" (one line, exit code 2); anything else is a fault.
"""

import json
import random
import re
import shutil

from tests.cli import command


def _replaced(text):
  return lambda path: path.write_text(text)


def _cut(path):
  content = path.read_bytes()
  path.write_bytes(content[: len(content) // 2])


def _folder(path):
  path.unlink()
  path.mkdir()


def _circle(path):
  """Cannot be opened, by root neither."""
  path.unlink()
  path.symlink_to(path.name)


def flip(seed):
  """A bit, somewhere."""

  def damage(path):
    content = bytearray(path.read_bytes())
    draw = random.Random(seed)
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.write_bytes(content)

  return damage


def entry(name, value):
  """One entry of a JSON object replaced or, by `KeyError`, gone.

  In a layout of its own, as another program would write it: no digest binds.
  """

  def damage(path):
    content = json.loads(path.read_text())
    content[name] = value
    if value is KeyError:
      del content[name]
    path.write_text(json.dumps(content))

  return damage


def whole(flips=4):
  """Damages to a file of any kind."""
  return {
    "deleted": lambda path: path.unlink(),
    "emptied": _replaced(""),
    "cut": _cut,
    "folder": _folder,
    "unreadable": _circle,
    **{f"bit {k} flipped": flip(k) for k in range(flips)},
    **{f"holds {text}": _replaced(text) for text in ("[]", "{}", "null", "3")},
  }


VALUES = (KeyError, None, [], {}, "x", -1, True)


def entries(path, values=None):
  """Damages to each entry of a JSON object; so many of each, None for all."""
  names = [n for n in json.loads(path.read_text()) if n != "digest"]
  draw = random.Random(path.name)
  return {
    f"{name} is {getattr(value, '__name__', value)}": entry(name, value)
    for name in names
    for value in draw.sample(VALUES, values or len(VALUES))
  }


def tables(run):
  """Each table, without what tells of its origin."""
  found = {}
  for path in sorted(run.glob("tables/*.csv")):
    rows = command.rows(path)
    for row in rows:
      for name in ("command", "date", "commit", "missing_models"):
        row.pop(name, None)
    found[path.name] = rows
  return found


def outcome(healthy, run, place, damage, name, *flags):
  """What a command does to a run with one damage: (word, text).

  Args:
    healthy: The run as it should be.
    run: A copy, which is mended again afterwards.
    place: The file.
    damage: What happens to it.
    name: The command, and its flags.
  """
  before = tables(healthy)
  damage(run / place)
  code, out, err = command.call(
    name, *flags, f"--output={run}", folder=run.parent
  )
  after = tables(run)
  _mend(healthy, run, place)
  last = err.strip().splitlines()[-1:] or [""]
  if "Traceback" in err or "Error:" in err or code not in (0, 2):
    return "traceback", err
  if code == 2:
    named = run.name in last[0] and re.search(r"; \w", last[0])
    return ("refused" if named else "unnamed"), last[0]
  if after == before:
    return "same", ""
  lines = [x for x in out.splitlines() if x.startswith(("Missing", "Note"))]
  return ("said" if lines else "silent"), "; ".join(lines)


def _mend(healthy, run, place):
  """Puts back the file, and whatever a command may have written."""
  path = run / place
  if path.is_dir() and not path.is_symlink():
    path.rmdir()
  path.unlink(missing_ok=True)
  shutil.copy2(healthy / place, path)
  for pattern in ("*.json", "counts/*.npz", "models/*/*/*/*.json", "tables/*"):
    for kept in healthy.glob(pattern):
      shutil.copy2(kept, run / kept.relative_to(healthy))
