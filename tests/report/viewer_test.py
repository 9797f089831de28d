"""The viewer in a browser: it shows what the library says."""

import json
import re

import markupsafe
import numpy as np
import pytest

from jaxseg import report
from jaxseg import thresholds
from jaxseg.report import _bundle
from tests.report import chromium
from tests.report import scenes_made

HOSTILE = scenes_made.HOSTILE


@pytest.fixture(scope="module")
def models():
  """Counts of the models of each structure."""
  made = scenes_made.counts
  return {
    "brain": [
      made(surfaces=True),
      made(seed=1),
      made(objective="dice"),
    ],
    HOSTILE: [made(HOSTILE)],
  }


@pytest.fixture(scope="module")
def scenes(models):
  return [
    scenes_made.scene(name, results, k, role, image=name == "brain")
    for name, results in models.items()
    for role, k in (("median", 2), ("worst", 3), ("best", 4))
  ]


def test_nothing_of_the_data_is_markup(scenes):
  html = report.viewer_html(scenes)
  assert isinstance(html, markupsafe.Markup)
  assert "<img" not in html
  data = re.search(r'id="viewer-data">(.*)</script>', html)[1]
  found = json.loads(data)["scenes"]
  assert {one["structure"] for one in found} == {"brain", HOSTILE}
  assert "for each of 2 structures" in html


def test_without_examples_there_is_no_viewer():
  assert report.viewer_html([]) == ""


def test_the_best_go_first_where_room_is_short(scenes):
  whole = report.viewer_html(scenes)
  less = report.viewer_html(scenes, most_bytes=len(whole) * 2 // 3)
  assert len(less) < len(whole)
  found = json.loads(re.search(r'viewer-data">(.*)</script>', less)[1])
  roles = [one["role"] for one in found["scenes"]]
  assert roles.count("median") == 2
  assert roles.count("best") < 2
  assert "left out, to keep the page small" in less


@pytest.fixture(scope="module")
def page(tmp_path_factory, scenes):
  scripts = "".join(
    f"<script>{script}</script>" for script in _bundle.own_all("viewer", "js")
  )
  path = tmp_path_factory.mktemp("viewer") / "index.html"
  path.write_text(
    '<!DOCTYPE html><html lang="en"><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    f"<title>viewer</title><style>{_bundle.own('page.css')}{_bundle.own('viewer.css')}</style>"
    f"<body>{report.viewer_html(scenes)}{scripts}</body></html>",
    "utf-8",
  )
  return path


@pytest.fixture(scope="module")
def one_browser():
  with chromium.driver() as browser:
    yield browser


@pytest.fixture
def browser(one_browser, page):
  chromium.show(one_browser, page)
  chromium.until(one_browser, "!document.getElementById('viewer-body').hidden")
  yield one_browser
  said = [c for c in chromium.complaints(one_browser) if "readback" not in c]
  assert said == []
  assert chromium.requests(one_browser) == []


def value(browser, name):
  return browser.execute_script(
    f"return Number(document.getElementById('viewer-{name}').dataset.value)"
  )


def text(browser, name):
  script = f"return document.getElementById('viewer-{name}').textContent"
  return browser.execute_script(script)


def slide(browser, name, to):
  browser.execute_script(
    "const e = document.getElementById(arguments[0]); e.value = arguments[1];"
    "e.dispatchEvent(new Event('input'))",
    f"viewer-{name}",
    to,
  )
  settle(browser)


def choose(browser, name, index):
  browser.execute_script(
    "const e = document.querySelector(`select[name=${arguments[0]}]`);"
    "e.selectedIndex = arguments[1]; e.dispatchEvent(new Event('change'))",
    name,
    index,
  )
  settle(browser)


def settle(browser):
  # Unpacking and drawing take some turns of the page's loop.
  browser.execute_async_script(
    "const done = arguments[0];"
    "setTimeout(() => requestAnimationFrame(() => setTimeout(done, 60)), 250)"
  )


def pixels(browser):
  """The picture, `[row, column, 4]`."""
  size, values = browser.execute_script(
    "const c = document.getElementById('viewer-canvas');"
    "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
    "return [[c.height, c.width, 4], Array.from(d)]"
  )
  return np.array(values, np.uint8).reshape(size)


def blue(browser):
  """Where the contour of the model is."""
  return np.all(pixels(browser)[..., :3] == (0x56, 0xB4, 0xE9), axis=-1)


def dice_of(counts, name, k):
  own_counts = counts.select(part="test").even
  case = own_counts[counts.select(part="test").names.index(name)]
  return float(thresholds.curve(case)[k])


def check(browser, counts, name):
  """The numbers of a patient at some thresholds are the library's."""
  test = counts.select(part="test")
  case = test.even[test.names.index(name)]
  pooled = test.even.sum()
  own = round(1000 * thresholds.optimum(counts.sides()[0].even).threshold)
  for k in (10, 501, 873, 1000):
    slide(browser, "threshold", k)
    shown = value(browser, "dice")
    assert shown == pytest.approx(thresholds.curve(case)[k], abs=1e-6)
    cost = browser.execute_script(
      "return {...document.getElementById('viewer-cost').dataset}"
    )
    for who, counted in (("patient", case), ("cohort", pooled)):
      dice = thresholds.curve(counted)
      lost = 1 - dice[k] / dice[own]
      assert float(cost[who]) == pytest.approx(lost, abs=1e-6)


@pytest.mark.slow
def test_dice_and_its_loss_are_the_librarys(browser, models):
  names = models["brain"][0].names[2:]
  for role, name in enumerate(names):
    choose(browser, "role", role)
    check(browser, models["brain"][0], name)
  choose(browser, "objective", 1)
  check(browser, models["brain"][2], names[2])
  choose(browser, "objective", 0)
  choose(browser, "seed", 1)
  check(browser, models["brain"][1], names[2])
  choose(browser, "structure", 1)
  check(browser, models[HOSTILE][0], names[2])


@pytest.mark.slow
def test_the_slices_dice_and_distance_are_the_librarys(browser, models):
  counts = models["brain"][0]
  p, y = scenes_made.case(2)
  for k, slice_ in ((300, 7), (500, 5), (620, 9), (800, 1)):
    slide(browser, "slice", slice_)
    slide(browser, "threshold", k)
    cut = p[slice_] >= np.float32(k / 1000)
    both = 2 * int((cut & y[slice_]).sum())
    expected = both / (int(cut.sum()) + int(y[slice_].sum()))
    assert value(browser, "dice-slice") == pytest.approx(expected, abs=1e-6)
    case = counts.names.index("patient2")
    place = int(np.flatnonzero(counts.cuts == np.float32(k / 1000))[0])
    hd95 = counts.surfaces[case, 0, place]
    assert value(browser, "distance") == pytest.approx(hd95, abs=1e-3)


@pytest.mark.slow
def test_the_slider_moves_the_contour(browser):
  slide(browser, "slice", 7)
  slide(browser, "threshold", 200)
  wide = blue(browser)
  slide(browser, "threshold", 900)
  narrow = blue(browser)
  assert wide.any()
  assert narrow.any()
  extent = [np.ptp(np.flatnonzero(m.any(axis=0))) for m in (wide, narrow)]
  assert extent[1] < 0.8 * extent[0]
  # A voxel is 1.5 mm wide: the contour's width is that of the mask.
  scale = browser.execute_script(
    "return document.getElementById('viewer-canvas').width"
  )
  p, y = scenes_made.case(2)
  columns = np.flatnonzero((p[7] >= np.float32(0.9)).any(axis=0))
  across = np.flatnonzero(y.any((0, 1)))
  rows = np.flatnonzero(y.any((0, 2)))
  side = max(np.ptp(across) * 1.5 + 1.5, np.ptp(rows) + 1) + 28
  shown = min(side, max(40, 44 * 1.5))
  expected = (np.ptp(columns) + 1) * 1.5 * scale / shown
  assert extent[1] == pytest.approx(expected, abs=0.02 * scale)


@pytest.mark.slow
def test_keys(browser):
  from selenium.webdriver.common import by
  from selenium.webdriver.common import keys

  slide(browser, "threshold", 500)
  canvas = browser.find_element(by.By.ID, "viewer-canvas")
  start = value(browser, "slice-at")
  for key, name, expected in (
    (keys.Keys.ARROW_UP, "slice-at", start + 1),
    (keys.Keys.ARROW_DOWN, "slice-at", start),
    (keys.Keys.PAGE_UP, "slice-at", start + 5),
    (keys.Keys.ARROW_RIGHT, "threshold-at", 0.51),
    (keys.Keys.ARROW_LEFT, "threshold-at", 0.5),
    (keys.Keys.SHIFT + keys.Keys.ARROW_LEFT, "threshold-at", 0.499),
  ):
    canvas.send_keys(key)
    settle(browser)
    assert value(browser, name) == pytest.approx(expected), key
  slider = browser.find_element(by.By.ID, "viewer-threshold")
  slider.send_keys(keys.Keys.ARROW_RIGHT)
  settle(browser)
  assert value(browser, "threshold-at") == pytest.approx(0.5)
  canvas.send_keys(keys.Keys.HOME)
  settle(browser)
  assert "own threshold" in text(browser, "cost")
  assert "Dice" in slider.get_attribute("aria-valuetext")


@pytest.mark.slow
def test_the_wheel_turns_slices_but_not_in_the_middle_of_a_scroll(browser):
  turn = (
    "const e = new WheelEvent('wheel',"
    " {deltaY: 120, bubbles: true, cancelable: true});"
    "document.getElementById(arguments[0]).dispatchEvent(e);"
    "return e.defaultPrevented"
  )
  settle(browser)  # The page may still be unpacking.
  start = value(browser, "slice-at")
  assert browser.execute_script(turn, "viewer-canvas")
  settle(browser)
  assert value(browser, "slice-at") == start - 1
  assert not browser.execute_script(turn, "viewer-title")
  assert not browser.execute_script(turn, "viewer-canvas")


@pytest.mark.slow
def test_hostile_names_are_text(browser):
  choose(browser, "structure", 1)
  choose(browser, "role", 2)
  assert browser.find_elements("tag name", "img") == []
  assert HOSTILE in text(browser, "where")
  assert f"patient4{HOSTILE}{scenes_made.LONG}: best of 3" in text(
    browser, "selects"
  )


@pytest.mark.slow
def test_what_does_not_count_is_said(browser):
  slide(browser, "slice", 12)
  assert "This slice does not count" in text(browser, "note")
  slide(browser, "slice", 7)
  assert "does not count" not in text(browser, "note")


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_and_can_be_read(browser, page, width, dark):
  chromium.show(browser, page, width=width, dark=dark)
  chromium.until(browser, "!document.getElementById('viewer-body').hidden")
  choose(browser, "role", 2)  # Of a long name.
  assert browser.execute_script(
    "return document.documentElement.scrollWidth <= innerWidth"
  )
  small = browser.execute_script(
    "return [...document.querySelectorAll('.viewer button, .viewer select')]"
    ".filter((e) => e.getBoundingClientRect().height < 40).length"
  )
  assert small == 0
  unnamed = browser.execute_script(
    "return [...document.querySelectorAll('.viewer input, .viewer select,"
    " .viewer button, .viewer canvas')].filter((e) => !(e.labels?.length"
    " || e.textContent.trim() || e.ariaLabel)).map((e) => e.outerHTML)"
  )
  assert unnamed == []


@pytest.mark.slow
def test_in_print_it_is_a_still(browser):
  where = "document.getElementById('viewer-where').textContent"
  chromium.until(browser, where)  # The test before left it drawing.
  browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
  try:
    for name, shown in (("threshold", False), ("canvas", True)):
      box = browser.execute_script(
        f"return document.getElementById('viewer-{name}').offsetParent !== null"
      )
      assert box == shown
    assert "patient2" in text(browser, "where")
  finally:
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
