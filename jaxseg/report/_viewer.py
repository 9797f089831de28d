"""The viewer: patients whose contour moves with the threshold.

It is a part of the page, with all that it shows inside of it: it loads
nothing, and opens from a disk. `_packed` describes its data. The page has its
style, viewer.css, and behind the section its scripts, viewer.js the last.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import jinja2
import jinja2.utils
import markupsafe

from jaxseg import study
from jaxseg.report import _packed

_MOST_BYTES = 8_000_000


def viewer_html(
  examples: Iterable[study.Scene], *, most_bytes: int = _MOST_BYTES
) -> markupsafe.Markup:
  """The viewer as a section of a page, with its data.

  Args:
    examples: What `study.scenes` gives; taken one at a time.
    most_bytes: What the scenes may take up in the page. If they take up more,
      those of the best Dice are left out first, then those of the worst, the
      largest first.

  Returns:
    A <section>; nothing where there are no examples, or none fits.
  """
  packed = [_packed.scene(one) for one in examples]
  shown = _fitting(packed, most_bytes)
  if not shown:
    return markupsafe.Markup()
  environment = jinja2.Environment(
    loader=jinja2.PackageLoader("jaxseg.report", ""),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    keep_trailing_newline=True,
  )
  text = environment.get_template("viewer.html").render(
    said=_said(shown, left_out=len(packed) - len(shown)),
    data=jinja2.utils.htmlsafe_json_dumps(
      {"scenes": shown}, separators=(",", ":"), allow_nan=False
    ),
  )
  return markupsafe.Markup(text)  # Everything in it was escaped by Jinja.


def _fitting(
  packed: Sequence[dict[str, Any]], most_bytes: int
) -> list[dict[str, Any]]:
  kept = list(packed)
  sizes = {id(one): _packed.size(one) for one in packed}
  total = sum(sizes.values())
  order = [*study.ROLES[::-1]]
  for one in sorted(
    packed, key=lambda p: (order.index(p["role"]), -sizes[id(p)])
  ):
    if total <= most_bytes:
      break
    kept.remove(one)
    total -= sizes[id(one)]
  return kept


def _said(shown: Sequence[dict[str, Any]], *, left_out: int) -> str:
  """One or two sentences about what can be looked at."""
  structures = {one["structure"] for one in shown}
  roles = {one["role"] for one in shown}
  which = [role for role in ("worst", "median", "best") if role in roles]
  named = " and the ".join(filter(None, (", the ".join(which[:-1]), which[-1])))
  many = "s" if len(which) > 1 else ""
  text = f"The patient{many} of the {named} Dice"
  if len(structures) > 1:
    text += f" for each of {len(structures)} structures"
  text += "."
  if left_out:
    text += (
      f" {left_out} of {left_out + len(shown)} are left out, to keep the page"
      " small."
    )
  return text
