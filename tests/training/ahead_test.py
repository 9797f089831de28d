"""What is compiled ahead is what is called, compiled once."""

import collections

import jax
import pytest

from jaxseg.training import _ahead
from tests import tiny

NETWORK = {"name": "unet", "base": 2, "blocks": 1}
SHORT = {"epochs": 1, "steps_per_epoch": 1}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
  return tiny.prepare(tmp_path_factory.mktemp("ahead") / "run")


@pytest.fixture
def compiled():
  """How often each function is compiled."""
  found = collections.Counter()

  def listen(event, _, **facts):
    if event.endswith("backend_compile_duration"):
      found[facts.get("fun_name")] += 1

  jax.monitoring.register_event_duration_secs_listener(listen)
  yield found
  jax.monitoring.unregister_event_duration_listener(listen)


@pytest.mark.parametrize(
  ("keep", "changes"),
  [
    pytest.param("device", {}, marks=pytest.mark.slow),
    ("store", {"slices": 3}),
  ],
)
def test_each_function_is_compiled_once(run, tmp_path, compiled, keep, changes):
  # A window of its own, so that no other test has compiled it.
  config = tiny.config(
    network={**NETWORK, **changes}, window_hu=(-321.0, 321.0), **SHORT
  )
  tiny.train(run, config, folder=tmp_path, keep=keep)
  assert {compiled[f"jit({name})"] for name in ("init", "step", "count")} == {1}


def test_an_error_is_the_calls(run, monkeypatch, tmp_path):
  def fail(*_):
    raise RuntimeError("out of memory")

  monkeypatch.setattr(_ahead, "_shapes", fail)
  (done,) = tiny.train(
    run, tiny.config(network=NETWORK, **SHORT), folder=tmp_path
  )
  assert done.epochs == 1
