"""The flags of one call of a command, and the help that tells of them.

absl parses them, but its global FLAGS stay untouched, so that a command can be
called many times in a process. This module, and whatever defines flags,
imports the standard library and absl.flags alone: `--help` and the refusal of
a bad flag do not wait for JAX.
"""

from collections.abc import Sequence
import inspect
import re
import textwrap
from typing import Any

from jaxseg import _extras
from jaxseg import _text
from jaxseg import errors

absl_flags = _extras.load("absl.flags", extra="train")

_KINDS: dict[str, tuple[type, ...]] = {
  "bool": (bool,),
  "float": (float, int),
  "int": (int,),
  "string": (str,),
}
_INDENT = 24  # Of the help texts.

# How Python says of a value, which the message has named, that it is no number.
_NO_NUMBER = re.compile(r"(invalid literal|could not convert) .*: '.*'")
_KIND = {"invalid literal": "whole number", "could not convert": "number"}


class Flags:
  """Flags under headings, and their values: `flags.seed` is that of --seed.

  >>> flags = Flags()
  >>> flags.integer("seed", 0, "N", "Random seed of the weights.")
  >>> flags.parse(["--seed=3"])
  >>> flags.seed
  3
  """

  def __init__(self, values: Any = None):
    """Starts without a flag.

    Args:
      values: Where absl keeps them; None is a registry of their own.
    """
    self._values = absl_flags.FlagValues() if values is None else values
    self._shown: dict[str, list[tuple[str, str]]] = {}
    self._heading = ""
    self._argument = ""
    self._required: list[str] = []
    self.command = ""
    self.argument: str | None = None

  def heading(self, text: str) -> None:
    """Flags defined from now on stand below it.

    Headings are in the order in which they are first given.
    """
    self._shown.setdefault(text, [])
    self._heading = text

  def positional(self, name: str, text: str) -> None:
    """The one argument that is no flag, such as FOLDER; `flags.argument`."""
    self._argument = name
    self._shown.setdefault("Argument", []).append((name, text))

  def string(
    self,
    name: str,
    value: str | None,
    shown: str,
    text: str,
    *,
    default: str = "",
  ) -> None:
    """A flag of text.

    Args:
      name: Without dashes.
      value: The default; None says that the flag was not given.
      shown: What stands for the value in the help, such as FOLDER.
      text: Help, one sentence or more.
      default: The default in words, where `value` does not tell it;
        "required" where the flag must be given.
    """
    self._told(f"--{name}={shown}", text, value, default)
    absl_flags.DEFINE_string(name, value, text, flag_values=self._values)

  def integer(
    self,
    name: str,
    value: int | None,
    shown: str,
    text: str,
    *,
    default: str = "",
  ) -> None:
    """A flag of a whole number; arguments as of `string`."""
    self._told(f"--{name}={shown}", text, value, default)
    absl_flags.DEFINE_integer(name, value, text, flag_values=self._values)

  def number(
    self,
    name: str,
    value: float | None,
    shown: str,
    text: str,
    *,
    default: str = "",
  ) -> None:
    """A flag of a number; arguments as of `string`."""
    self._told(f"--{name}={shown}", text, value, default)
    absl_flags.DEFINE_float(name, value, text, flag_values=self._values)

  def numbers(
    self,
    name: str,
    value: Sequence[float] | None,
    shown: str,
    text: str,
    *,
    whole: bool = False,
    default: str = "",
  ) -> None:
    """A flag of numbers, separated by commas; each counts once.

    Args:
      name: As of `string`.
      value: As of `string`.
      shown: As of `string`.
      text: As of `string`.
      whole: Whether only whole numbers are taken.
      default: As of `string`.
    """
    told = None if value is None else ",".join(map(str, value))
    self._told(f"--{name}={shown},...", text, told, default)
    absl_flags.DEFINE(
      _Numbers(whole), name, value, text, flag_values=self._values
    )

  def switch(
    self, name: str, value: bool | None, text: str, *, default: str = ""
  ) -> None:
    """A flag that is on or off: --name or --noname."""
    told = None if value is None else "on" if value else "off"
    self._told(f"--[no]{name}", text, told, default)
    absl_flags.DEFINE_bool(name, value, text, flag_values=self._values)

  def choice(
    self,
    name: str,
    value: str | None,
    values: Sequence[str],
    text: str,
    *,
    default: str = "",
  ) -> None:
    """A flag of one of some names."""
    self._told(f"--{name}={'|'.join(values)}", text, value, default)
    absl_flags.DEFINE_enum(
      name, value, list(values), text, flag_values=self._values
    )

  def names(
    self,
    name: str,
    value: Sequence[str] | None,
    shown: str,
    text: str,
    *,
    default: str = "",
  ) -> None:
    """A flag of a list, separated by commas."""
    told = None if value is None else ",".join(value) or "none"
    self._told(f"--{name}={shown},...", text, told, default)
    absl_flags.DEFINE_list(name, value, text, flag_values=self._values)

  def _told(self, flag: str, text: str, value: Any, default: str) -> None:
    if not self._heading:
      self.heading("Flags")
    default = default or ("" if value is None else str(value))
    if default and default != "required":
      text = f"{text} (default: {default})"
    elif default:
      text = f"{text} (required)"
      self._required.append(flag[2:].partition("=")[0])
    self._shown[self._heading].append((flag, text))

  def parse(self, arguments: Sequence[str]) -> None:
    """Takes the values from a command line without the command itself.

    Raises:
      ConfigError: A flag is unknown, or a value or argument is wrong.
    """
    self._values.set_gnu_getopt(True)
    try:
      given = self._values(["jaxseg", *arguments])[1:]
    except absl_flags.Error as e:
      said = _NO_NUMBER.sub(lambda m: f"no {_KIND[m[1]]}", str(e))
      raise errors.ConfigError(f"{said}; --help lists the flags") from e
    allowed = 1 if self._argument else 0
    if len(given) < allowed:
      raise errors.ConfigError(
        f"{self._argument} is missing; --help tells more"
      )
    if len(given) > allowed:
      raise errors.ConfigError(
        f"unexpected argument {given[allowed]!r}; flags are written"
        " --name=value"
      )
    self.argument = given[0] if given else None
    if "output" in self and self.output == "":
      raise errors.ConfigError("--output: is empty; name a folder")
    for name in self._required:
      if not any(self._values[name].value or ()):
        raise errors.ConfigError(f"--{name}: missing; --help tells more")

  def __contains__(self, name: str) -> bool:
    return name in self._values

  def __getattr__(self, name: str) -> Any:
    if name.startswith("_") or name not in self._values:
      raise AttributeError(f"no flag --{name}")
    return self._values[name].value

  def given(self, *names: str) -> dict[str, Any]:
    """Those of some flags that are on the command line, with their values."""
    return {
      name: self._values[name].value
      for name in names
      if name in self._values
      and self._values[name].present
      and self._values[name].value not in (None, "")
    }

  def given_names(self) -> list[str]:
    """Names of all flags that are on the command line."""
    return [name for name in self._values if self._values[name].present]

  def checked(self, kept: dict[str, Any], path: Any) -> dict[str, Any]:
    """Values of flags that a file has kept, unless they are no such values.

    Raises:
      DataError: One is of another kind than its flag.
    """
    for name, value in kept.items():
      kinds = _KINDS.get(
        self._values[name].flag_type() if name in self._values else ""
      )
      number = isinstance(value, bool) != (kinds == (bool,))
      if kinds and (number or not isinstance(value, kinds)):
        raise errors.DataError(
          f"{path}: training flag {name} is {value!r}, which is malformed;"
          " restore it, or train into another --output"
        )
    return kept

  def refuse(self, names: Sequence[str], only: str) -> None:
    """Refuses flags that would have no effect.

    Raises:
      ConfigError: One of them is on the command line.
    """
    given = self.given(*names)
    if given:
      told = ", ".join(f"--{name}" for name in given)
      raise errors.ConfigError(f"{told}: only for {only}; leave it out")

  def help(self, text: str, usage: str, *, width: int) -> str:
    """What `--help` prints.

    Args:
      text: The command's docstring.
      usage: The command as one types it, such as "jaxseg train".
      width: Columns of the terminal.
    """
    width = max(40, min(width, 100))
    argument = f" {self._argument}" if self._argument else ""
    lines = [f"Usage: {usage}{argument} [--flag=value ...]", ""]
    for line in inspect.cleandoc(text).splitlines():
      lines += _example(line, width) if line.startswith("    ") else [line]
    for heading, entries in self._shown.items():
      lines += ["", heading] if entries else []
      for flag, said in entries:
        lines += _entry(flag, said, width)
    return "\n".join(lines) + "\n"


class _Numbers(absl_flags.ArgumentParser):  # type: ignore[name-defined]
  """Reads "0,0.25,1" as numbers."""

  def __init__(self, whole: bool):
    self._one = (
      absl_flags.IntegerParser() if whole else absl_flags.FloatParser()
    )

  def flag_type(self) -> str:
    """As of a single number: a run folder may keep one."""
    return str(self._one.flag_type())

  def parse(self, argument: Any) -> tuple[Any, ...]:
    """The numbers, in their order."""
    if not isinstance(argument, str):
      return tuple(argument)
    return tuple(dict.fromkeys(map(self._number, argument.split(","))))

  def _number(self, text: str) -> Any:
    try:
      return self._one.parse(text)
    except ValueError:
      whole = "whole " if self.flag_type() == "int" else ""
      raise ValueError(f"{text!r} is no {whole}number") from None


def _example(line: str, width: int) -> list[str]:
  """A command line, which goes on below where it is too long."""
  if len(line) <= width or line.endswith("\\"):
    return [line]
  words = line.split(" --")
  told = [words[0]]
  for word in words[1:]:
    # Room for the stroke at the end.
    if len(told[-1]) + len(word) + 5 <= width:
      told[-1] += f" --{word}"
    else:
      told.append(f"        --{word}")
  return [f"{one} \\" for one in told[:-1]] + told[-1:]


def _entry(flag: str, text: str, width: int) -> list[str]:
  """A flag and, indented, what it does."""
  indent = _INDENT if width >= 72 else 6
  told = textwrap.wrap(
    text,
    width,
    initial_indent=" " * indent,
    subsequent_indent=" " * indent,
    break_on_hyphens=False,
  )
  head = f"  {flag}"
  if len(head) <= indent - 2 and told:
    told[0] = head.ljust(indent) + told[0].lstrip()
    return told
  return [head, *told]


def one_line(text: object) -> str:
  """A message without line breaks and controls."""
  return _text.harmless(" ".join(str(text).split()))
