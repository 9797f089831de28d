"""The README as a package index shows it; all else stands in setup.cfg."""

import configparser
import pathlib
import re

import setuptools

ROOT = pathlib.Path(__file__).resolve().parent


def long_description() -> str:
  """The README, its relative links and pictures led to the repository."""
  setup = configparser.ConfigParser()
  setup.read(ROOT / "setup.cfg", "utf-8")
  url = setup["metadata"]["url"]
  text = (ROOT / "README.md").read_text("utf-8")
  text = re.sub(r"(!\[[^]]*\]\()(?!https?:)", rf"\1{url}/raw/main/", text)
  return re.sub(
    r"((?<!!)\[[^]]*\]\()(?!https?:|#)", rf"\1{url}/blob/main/", text
  )


setuptools.setup(
  long_description=long_description(),
  long_description_content_type="text/markdown",
)
