"""Tables on the console."""

from collections.abc import Mapping, Sequence
from typing import Any

import rich.console

from jaxseg import report


def show(
  title: str,
  rows: Sequence[Mapping[str, Any]],
  columns: Sequence[str] | Mapping[str, str],
) -> None:
  """Prints some columns of a table."""
  rich.console.Console().print(report.rich_table(title, rows, columns))
