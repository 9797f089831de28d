"""The page in a real browser: from disk, without a network."""

import json
import pathlib
import shutil
import time

import pytest

from jaxseg import report
from jaxseg import study
from tests.study import made

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
HOSTILE = "<img src=x onerror=alert(1)>"
pytestmark = [
  pytest.mark.slow,
  pytest.mark.skipif(
    not (BROWSER and DRIVER),
    reason="chromium or chromedriver is missing: apt install chromium-driver",
  ),
]


def counts(structure, seed, objective):
  """Counts of a model that is neither perfect nor useless."""
  return made.model_counts(
    structure, seed, objective=objective, patients=4, inside=(0.6, 0.2),
    outside=(0.3, 0.2),
  )  # fmt: skip


def write(folder, structures=("brain", HOSTILE)):
  """A page of a run with everything that it can have."""
  provenance = {
    "cohort": HOSTILE,
    "synthetic": True,
    "seed": 0,
    "command": f"jaxseg reproduce --structures='{HOSTILE}'",
    "commit": "0123456789ab+",
  }
  results = [
    counts(structure, seed, objective)
    for structure in structures
    for objective in ("bce", "dice")
    for seed in (0, 1)
  ]
  tables = study.tables(results, study.Settings(resamples=20))
  rows = study.sensitivity(results)
  objectives = study.objectives(results)
  prominence = [
    {**result.columns("known"), "aggregate": "pooled", "definition": name,
     "prominence": 0.1 * k, "threshold": 0.4 + 0.02 * k}
    for k, result in enumerate(results, start=1)
    for name in study.DEFINITIONS
  ]  # fmt: skip
  medians = study.sensitivity_medians(rows)
  sections = [
    *report.sweep_sections(folder, tables, provenance),
    report.sensitivity_section(folder, rows, medians, provenance),
    report.prominence_section(
      folder, prominence, study.correlations(prominence), provenance
    ),
    report.objectives_section(folder, objectives, provenance),
  ]
  claims = study.claims(results, resamples=20)
  report.write_page(
    folder / "report" / "index.html",
    title=HOSTILE,
    summary=f"{HOSTILE}\n\n`{HOSTILE}`",
    provenance=provenance,
    sections=sections,
    facts={HOSTILE: f"1 ({HOSTILE})"},
    claims=report.claims_section(folder, claims, provenance),
    settings={HOSTILE: HOSTILE},
  )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  """Only report/, copied to a place of its own."""
  run = tmp_path_factory.mktemp("run")
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(
      "matplotlib.figure.Figure.savefig",
      lambda _, out, **__: out.write(b"<svg/>"),
    )
    write(run)
  copied = tmp_path_factory.mktemp("elsewhere") / "a b#c"
  shutil.copytree(run / "report", copied)
  shutil.rmtree(run)
  return copied


@pytest.fixture(scope="module")
def browser():
  from selenium import webdriver
  from selenium.webdriver.chrome import service

  options = webdriver.ChromeOptions()
  options.binary_location = BROWSER
  for flag in ("headless=new", "no-sandbox", "disable-dev-shm-usage"):
    options.add_argument(f"--{flag}")
  logs = {"browser": "ALL", "performance": "ALL"}
  options.set_capability("goog:loggingPrefs", logs)
  driver = webdriver.Chrome(options, service.Service(DRIVER))
  yield driver
  driver.quit()


def show(browser, folder, *, width=1280, dark=False):
  """Opens the page; waits until all charts are drawn."""
  for kind in ("browser", "performance"):
    browser.get_log(kind)
  browser.execute_cdp_cmd(
    "Emulation.setDeviceMetricsOverride",
    {"width": width, "height": 900, "deviceScaleFactor": 1,
     "mobile": width < 600},
  )  # fmt: skip
  scheme = {
    "name": "prefers-color-scheme",
    "value": "dark" if dark else "light",
  }
  browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
  browser.get((folder / "index.html").as_uri())
  end = time.monotonic() + 120
  while not browser.execute_script(
    "return document.documentElement.dataset.charts"
  ):
    assert time.monotonic() < end, browser.get_log("browser")
    time.sleep(0.1)


def requests(browser):
  """Addresses of all that the page asked for; not of the browser's own."""
  messages = [
    json.loads(entry["message"])["message"]
    for entry in browser.get_log("performance")
  ]
  return [
    message["params"]["request"]["url"]
    for message in messages
    if message["method"] == "Network.requestWillBeSent"
    and not message["params"]["request"]["url"].startswith("chrome")
  ]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_no_error_no_request_and_no_scrolling_sideways(
  browser, folder, width, dark
):
  show(browser, folder, width=width, dark=dark)
  assert browser.get_log("browser") == []
  assert all(url.startswith("file:") for url in requests(browser))
  wide = browser.execute_script("return document.documentElement.scrollWidth")
  assert wide <= width
  drawn, asked = browser.execute_script(
    "return [document.querySelectorAll('.plot .main-svg .xy path').length,"
    " document.querySelectorAll('.plot').length]"
  )
  assert asked >= 22
  assert drawn > asked


def test_what_data_says_is_text(browser, folder):
  show(browser, folder)
  assert browser.execute_script(
    "return document.querySelectorAll('img[src=x], [onerror]').length"
  ) == 0  # fmt: skip
  text = browser.execute_script("return document.body.innerText")
  assert text.count(HOSTILE) > 10
  ticks = browser.execute_script(
    "return [...document.querySelectorAll('.ytick text')].map("
    "(tick) => tick.textContent)"
  )
  assert HOSTILE in ticks
  # Even markup that came in by some other way would not run.
  browser.execute_script(
    "const one = document.createElement('div');"
    "one.innerHTML = '<img src=x onerror=\"window.ran = 1\">';"
    "document.body.append(one);"
  )
  time.sleep(0.3)
  assert browser.execute_script("return window.ran ?? 0") == 0


def test_a_legend_switches_lines_by_keyboard(browser, folder):
  from selenium.webdriver.common.by import By
  from selenium.webdriver.common.keys import Keys

  show(browser, folder)
  lines = (
    "return document.querySelector('.plot').querySelectorAll('.js-line').length"
  )
  before = browser.execute_script(lines)
  button = browser.find_element(By.CSS_SELECTOR, "button[data-group=dice]")
  button.send_keys(Keys.ENTER)
  assert button.get_attribute("aria-pressed") == "false"
  assert browser.execute_script(lines) < before
  button.send_keys(Keys.SPACE)
  assert button.get_attribute("aria-pressed") == "true"
  assert browser.execute_script(lines) == before


def test_arrow_keys_read_the_values_of_the_table(browser, folder):
  from selenium.webdriver.common.by import By
  from selenium.webdriver.common.keys import Keys

  show(browser, folder)
  plot = browser.find_element(By.CSS_SELECTOR, ".plot")
  readout = browser.find_element(By.CSS_SELECTOR, ".readout")
  plot.send_keys(Keys.ARROW_RIGHT)
  assert readout.text.startswith("threshold 0.50: BCE ")
  shown = float(readout.text.partition("BCE ")[2].partition(";")[0])
  tables = study.tables(
    [counts("brain", 0, "bce")], study.Settings(resamples=20)
  )
  rows = {round(row["threshold"], 3): row["dice"] for row in tables["curve"]}
  assert shown == pytest.approx(rows[0.5], abs=5e-4)
  plot.send_keys(Keys.ARROW_RIGHT)
  assert readout.text.startswith("threshold 0.51:")
  plot.send_keys(Keys.HOME)
  assert readout.text.startswith("threshold 0.00:")
  plot.send_keys(Keys.ESCAPE)
  assert readout.text == ""


def test_a_dark_page_has_no_white_block(browser, folder):
  show(browser, folder, dark=True)
  fills = browser.execute_script(
    "return [...document.querySelectorAll('.main-svg, .plot rect.bg, section,"
    " table, td, .legend button')].map("
    "(one) => [getComputedStyle(one).backgroundColor,"
    " one.style.fill, one.style.fillOpacity].join(' '))"
  )
  assert not [one for one in fills if "255, 255, 255)" in one]
  look = browser.execute_script(
    "return document.querySelector('.xtick text').style.fill"
  )
  assert look == "rgb(230, 232, 234)"


@pytest.mark.parametrize("dark", [False, True])
def test_print_is_light_whole_and_comes_back(browser, folder, dark):
  show(browser, folder, dark=dark)
  tick = "return document.querySelector('.xtick text').style.fill"
  before = browser.execute_script(tick)
  browser.execute_script("dispatchEvent(new Event('beforeprint'))")
  assert browser.execute_script(tick) == "rgb(34, 34, 34)"
  scheme = {"name": "prefers-color-scheme", "value": "light"}
  browser.execute_cdp_cmd(
    "Emulation.setEmulatedMedia", {"media": "print", "features": [scheme]}
  )
  browser.execute_cdp_cmd(
    "Emulation.setDeviceMetricsOverride",
    {"width": 703, "height": 1000, "deviceScaleFactor": 1, "mobile": False},
  )  # A4 with margins of 12 mm, in CSS pixels.
  cut = browser.execute_script(
    "return [...document.querySelectorAll('table, .plot svg, dl, p')]"
    ".filter((one) => one.getBoundingClientRect().right > innerWidth + 1)"
    ".map((one) => one.outerHTML.slice(0, 80))"
  )
  assert cut == []
  browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
  browser.execute_script("dispatchEvent(new Event('afterprint'))")
  if not dark:
    assert browser.execute_script(tick) == before


def test_the_page_is_small(folder):
  parts = [path for path in folder.rglob("*") if path.is_file()]
  assert sum(path.stat().st_size for path in parts) < 15_000_000
  assert {path.name for path in folder.iterdir()} == {
    "figures", "index.html", "tables"
  }  # fmt: skip
  assert pathlib.Path(folder / "tables" / "claims.csv").is_file()
