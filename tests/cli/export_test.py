"""`jaxseg export`: what it says, and what it refuses."""

import pytest

import jaxseg
from tests.cli import command


def test_a_run_is_exported(deployed, tmp_path):
  pattern = deployed / "run" / "models" / "brain" / "*" / "*"
  out = command.done(
    "export", f"--model={pattern}", "--licence=a <b>", folder=tmp_path
  )
  assert "Exported models" in out and "MODEL_CARD.md" in out
  place = tmp_path / "runs" / "exported"
  assert jaxseg.load_model(place).structure == "brain"
  card = (place / "MODEL_CARD.md").read_text()
  assert "a &lt;b>" in card
  line = command.refused("export", f"--model={pattern}", folder=tmp_path)
  assert "runs/exported already exists" in line


@pytest.mark.parametrize(
  ("flags", "text"),
  [
    (("--model=x*",), "--model: nothing fits x*"),
    (("--model=.",), "holds neither a model nor a run"),
    (("--model=.", "--platforms=cpu"), "--platforms: only for --stablehlo"),
    (("--model=",), "--model: missing"),
    (("--model=.", "--stablehlo", "--platforms="), "--platforms: is empty"),
  ],
)
def test_refused_in_one_line(tmp_path, flags, text):
  assert text in command.refused("export", *flags, folder=tmp_path)
  assert not list(tmp_path.iterdir())
