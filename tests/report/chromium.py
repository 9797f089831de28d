"""A headless Chromium, and what it asked for and complained about."""

import contextlib
import json
import pathlib
import shutil
import tempfile
import time

import pytest

# It asks for its own pages, and for nothing of anyone's.
_OWN = ("file:", "data:", "blob:", "about:", "chrome:", "chrome-untrusted:")


def why_not():
  """Why pages cannot be looked at here; "" if they can."""
  for name in ("chromium", "chromedriver"):
    if shutil.which(name) is None:
      return f"{name} is not installed (Debian: apt install chromium-driver)"
  try:
    import selenium  # noqa: F401
  except ImportError:
    return "selenium is not installed (pip install selenium)"
  return ""


@contextlib.contextmanager
def driver():
  """A browser of its own, closed at the end."""
  if why_not():
    pytest.skip(why_not())
  from selenium import webdriver
  from selenium.webdriver.chrome import service

  options = webdriver.ChromeOptions()
  options.binary_location = shutil.which("chromium")
  with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
    for flag in (
      "--headless=new",
      "--no-sandbox",
      "--disable-dev-shm-usage",
      "--hide-scrollbars",
      f"--user-data-dir={profile}",
    ):
      options.add_argument(flag)
    logs = {"browser": "ALL", "performance": "ALL"}
    options.set_capability("goog:loggingPrefs", logs)
    browser = webdriver.Chrome(
      options=options, service=service.Service(shutil.which("chromedriver"))
    )
    try:
      yield browser
    finally:
      browser.quit()


def show(browser, path: pathlib.Path, *, width=1280, height=900, dark=False):
  """Opens a page from disk."""
  size = {"width": width, "height": height, "deviceScaleFactor": 1}
  browser.execute_cdp_cmd(
    "Emulation.setDeviceMetricsOverride", {**size, "mobile": width < 600}
  )
  scheme = {
    "name": "prefers-color-scheme",
    "value": "dark" if dark else "light",
  }
  browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
  browser.get(path.resolve().as_uri())


def until(browser, condition, seconds=20):
  """Waits until a line of JavaScript is true."""
  end = time.monotonic() + seconds
  while not browser.execute_script(f"return Boolean({condition})"):
    assert time.monotonic() < end, f"never true: {condition}"
    time.sleep(0.02)


def complaints(browser):
  """Lines of the console so far."""
  return [entry["message"] for entry in browser.get_log("browser")]


def requests(browser):
  """Addresses asked for that are not of the page's own disk."""
  found = []
  for entry in browser.get_log("performance"):
    message = json.loads(entry["message"])["message"]
    if message["method"] == "Network.requestWillBeSent":
      address = message["params"]["request"]["url"]
      if not address.startswith(_OWN):
        found.append(address)
  return found
