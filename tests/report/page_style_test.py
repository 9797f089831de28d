import re

from jaxseg.report import _page_style


def test_braces_balance_and_nothing_is_loaded():
  assert _page_style.CSS.count("{") == _page_style.CSS.count("}")
  assert not re.search(r"@import|url\(|<", _page_style.CSS)


def test_every_colour_that_is_used_is_defined_for_dark_and_light():
  used = set(re.findall(r"var\((--[a-z-]+)\)", _page_style.CSS))
  light, dark = re.findall(r":root \{([^}]*)\}", _page_style.CSS)
  assert used <= set(re.findall(r"(--[a-z-]+):", light))
  assert used <= set(re.findall(r"(--[a-z-]+):", dark))
  assert "prefers-color-scheme: dark" in _page_style.CSS
