"""The folder of a page: all that it shows or links to lies in it.

A page that refers to files elsewhere breaks when its folder is copied, so
figures and tables are copied beside it, and scripts stand in the page itself.
"""

import base64
import hashlib
import importlib.resources
import io
import pathlib
import re
from typing import Any
import urllib.parse
import zipfile

import markupsafe

from jaxseg import _extras
from jaxseg import _files
from jaxseg import errors
from jaxseg.report import _palette

# Of a page that this package wrote, and of what it links to.
_OURS = '<meta name="generator" content="jaxseg">'
_LINKED = re.compile(r' (?:href|src|srcset)="((?:tables|figures)/[^"/]+)"')
_LARGE = 1_000_000  # Bytes; larger tables are linked as .zip.
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # Else the same table gives other bytes.


def table(folder: pathlib.Path, path: pathlib.Path) -> tuple[str, str]:
  """Puts a table into a page's folder.

  Args:
    folder: The page's.
    path: The table, a CSV file.

  Returns:
    What to call it, and its address from the page.

  Raises:
    DataError: There is no such file.
  """
  content = _content(path)
  name = path.name
  if len(content) > _LARGE:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
      entry = zipfile.ZipInfo(name, _FIRST_DAY)
      entry.compress_type = zipfile.ZIP_DEFLATED
      archive.writestr(entry, content)
    content, name = packed.getvalue(), f"{name}.zip"
  return name, _put(folder, "tables", name, content)


def figure(
  folder: pathlib.Path, path: pathlib.Path, alt: str, *, shown: bool
) -> dict[str, Any]:
  """Puts a figure's files into a page's folder.

  Args:
    folder: The page's.
    path: Its SVG or PNG, or the stem of its files.
    alt: What it shows.
    shown: Whether it is more than linked; then an SVG is there for dark too.

  Returns:
    What the page's template takes: missing, alt, address, dark, size, files.
  """
  if path.suffix not in (".svg", ".png"):
    path = path.with_name(f"{path.name}.svg")
  if not path.exists():
    return {"missing": path.name}
  stem = path.name.removesuffix(path.suffix)
  files = {}
  for kind in ("svg", "png", "pdf"):
    file = path.with_name(f"{stem}.{kind}")
    if file.exists():
      content = file.read_bytes()
      files[kind.upper()] = _put(folder, "figures", file.name, content)
  dark = ""
  if shown and path.suffix == ".svg":
    svg = _palette.darkened(path.read_text("utf-8", errors="replace"))
    name = f"{stem}-dark.svg"
    dark = _put(folder, "figures", name, svg.encode("utf-8"))
  return {
    "missing": "",
    "alt": alt,
    "address": files[path.suffix[1:].upper()],
    "dark": dark,
    "size": _size(path),
    "files": files,
  }


def linked(path: pathlib.Path) -> set[str]:
  """Tables and figures beside a page that it links to; none of others' pages.

  Args:
    path: The page's file; it need not be there.
  """
  try:
    text = path.read_text("utf-8", errors="replace")
  except OSError:
    return set()
  if _OURS not in text:
    return set()
  found = (urllib.parse.unquote(one) for one in _LINKED.findall(text))
  return {one for one in found if one.count("/") == 1}


def plotly() -> str:
  """The script of plotly.js as its package brings it.

  Raises:
    MissingExtraError: plotly is not installed.
  """
  return str(_extras.load("plotly.offline", extra="report").get_plotlyjs())


def own(name: str) -> str:
  """A script or style sheet of this package."""
  folder = importlib.resources.files("jaxseg.report")
  return folder.joinpath(name).read_text("utf-8")


def own_all(part: str, kind: str) -> list[str]:
  """The scripts or style sheets of a part: part_*, then part itself."""
  folder = importlib.resources.files("jaxseg.report")
  names = [one.name for one in folder.iterdir()]
  first = sorted(
    name
    for name in names
    if name.startswith(f"{part}_") and name.endswith(f".{kind}")
  )
  last = [name for name in names if name == f"{part}.{kind}"]
  return [own(name) for name in (*first, *last)]


def inline(script: str) -> markupsafe.Markup:
  """A script as the content of an element.

  Raises:
    DataError: It would end the element.
  """
  if re.search(r"</script|<!--", script, re.IGNORECASE):
    raise errors.DataError(
      "a script of the page holds </script or <!--, which would end it; write"
      r" <\/script there"
    )
  return markupsafe.Markup(script)


def policy(scripts: list[str]) -> str:
  """What the page may load: its own scripts and pictures, no network.

  Args:
    scripts: The only ones that run, each exactly as it stands in the page.

  References:
    W3C, Content Security Policy Level 3.
  """
  found = [hashlib.sha256(script.encode()).digest() for script in scripts]
  digests = [f"'sha256-{base64.b64encode(one).decode()}'" for one in found]
  allowed = " ".join(digests or ["'none'"])
  return (
    f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline';"
    " img-src 'self' file: data: blob:; connect-src data: blob:;"
    " base-uri 'none'; form-action 'none'"
  )


def _content(path: pathlib.Path) -> bytes:
  try:
    return path.read_bytes()
  except OSError as e:
    raise errors.DataError(
      f"{path}: the page links to it, and it cannot be read"
      f" ({e.strerror or e}); run the analysis that writes it first"
    ) from e


def _put(folder: pathlib.Path, below: str, name: str, content: bytes) -> str:
  """Writes a file into the page's folder; gives its address."""
  path = folder / below / name
  if not path.exists() or path.read_bytes() != content:
    _files.write_bytes(path, content)
  return urllib.parse.quote(f"{below}/{name}")


def _size(path: pathlib.Path) -> dict[str, int]:
  """Attributes that keep an SVG's place while it loads, in CSS pixels."""
  if path.suffix != ".svg":
    return {}
  head = path.read_text("utf-8", errors="replace")[:2000]
  found = re.search(r'<svg[^>]*viewBox="0 0 ([0-9.]+) ([0-9.]+)"', head)
  if found is None:
    return {}
  # Matplotlib's units are points: 72 an inch, where CSS has 96.
  width, height = (round(float(side) * 96 / 72) for side in found.groups())
  return {"width": width, "height": height}
