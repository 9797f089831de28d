"""Run folders: made once, opened again, never mixed up."""

import dataclasses
import shutil

import numpy as np
import pytest

from jaxseg import data
from jaxseg import errors
from jaxseg import volume
from tests.cohort_double import Blobs

CONFIG = data.PrepareConfig(size=(32, 32))


def test_a_prepared_folder_is_opened_again(tmp_path):
  first = data.prepare_run(tmp_path / "run", Blobs(), CONFIG)
  stamp = (tmp_path / "run" / "store" / "manifest.json").stat().st_mtime_ns
  again = data.prepare_run(tmp_path / "run", Blobs(), CONFIG)
  assert again.store.content_hash == first.store.content_hash
  assert again.split == first.split
  after = (tmp_path / "run" / "store" / "manifest.json").stat().st_mtime_ns
  assert after == stamp


def test_what_a_killed_process_left_beside_it_goes(tmp_path, orphan):
  data.prepare_run(tmp_path / "run", Blobs(), CONFIG)
  left = orphan(tmp_path / "run")
  data.prepare_run(tmp_path / "run", Blobs(), CONFIG)
  assert not left.exists()


@pytest.mark.parametrize(
  ("cohort", "config", "seed", "text"),
  [
    (Blobs(13), CONFIG, 0, "patients is 12, asked is 13"),
    (Blobs(), data.PrepareConfig(size=(32, 48)), 0, "size"),
    (Blobs(), CONFIG, 1, "split_seed is 0, asked is 1"),
  ],
)
def test_other_settings_are_refused(tmp_path, cohort, config, seed, text):
  data.prepare_run(tmp_path / "run", Blobs(), CONFIG)
  with pytest.raises(errors.ExistingOutputError, match=text):
    data.prepare_run(tmp_path / "run", cohort, config, seed=seed)


def test_a_folder_of_something_else_is_left_alone(tmp_path):
  (tmp_path / "thesis.txt").write_text("years of work")
  with pytest.raises(errors.ExistingOutputError, match="no run folder"):
    data.prepare_run(tmp_path, Blobs(), CONFIG)
  assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_split_can_be_given(tmp_path):
  names = Blobs().patients()
  split = data.Split(names[:6], names[6:9], names[9:])
  run = data.prepare_run(tmp_path / "run", Blobs(), CONFIG, split=split)
  assert data.Run(tmp_path / "run").split == split == run.split
  other = data.Split(names[:5], names[5:9], names[9:])
  with pytest.raises(errors.ExistingOutputError, match="split"):
    data.prepare_run(tmp_path / "run", Blobs(), CONFIG, split=other)


def test_a_split_of_strangers_is_refused_and_leaves_nothing(tmp_path):
  split = data.Split(("stranger",), ("p1",), ("p2",))
  with pytest.raises(errors.DataError, match="stranger"):
    data.prepare_run(tmp_path / "run", Blobs(), CONFIG, split=split)
  assert not (tmp_path / "run").exists()


def test_settings_are_checked_by_name(tmp_path):
  run = data.prepare_run(tmp_path / "run", Blobs(), CONFIG, recipe="quick")
  run.check(
    recipe="quick", prepare={"size": (32, 32)}, cohort={"name": "blobs"}
  )
  with pytest.raises(errors.ExistingOutputError) as caught:
    run.check(recipe="jaxseg", cohort={"name": "phantom"}, split={"given": "a"})
  assert "cohort is blobs, asked is phantom" in str(caught.value)
  assert "recipe is quick, asked is jaxseg" in str(caught.value)
  assert "split was drawn, asked is one of a file" in str(caught.value)
  names = Blobs().patients()
  split = data.Split(names[:6], names[6:9], names[9:])
  given = data.prepare_run(tmp_path / "given", Blobs(), CONFIG, split=split)
  with pytest.raises(
    errors.ExistingOutputError, match="split is one of a file"
  ):
    given.check(split={"seed": 0})


def test_training_flags_bind_while_there_is_a_model(tmp_path):
  run = data.prepare_run(tmp_path / "run", Blobs(), CONFIG)
  run.keep_training_flags({"base": 4})
  assert data.Run(run.folder).training_flags == {}
  model = run.folder / "models" / "brain" / "bce" / "0"
  model.mkdir(parents=True)
  (model / "config.json").write_text("{}")
  assert data.Run(run.folder).training_flags == {"base": 4}


def test_an_older_run_folder_is_named(tmp_path):
  data.prepare_run(tmp_path / "run", Blobs(), CONFIG)
  (tmp_path / "run" / "run.json").rename(tmp_path / "run" / "cohort.json")
  with pytest.raises(errors.DataError, match="older version"):
    data.Run(tmp_path / "run")
  with pytest.raises(errors.DataError, match="older version"):
    data.prepare_run(tmp_path / "run", Blobs(), CONFIG)


def test_what_is_no_run_folder_is_named(tmp_path):
  with pytest.raises(errors.DataError, match="no such folder"):
    data.Run(tmp_path / "nowhere")
  with pytest.raises(errors.DataError, match=r"no run\.json"):
    data.Run(tmp_path)


class Named(Blobs):
  """Blobs from a folder that has a name."""

  def __init__(self, source, **options):
    super().__init__(**options)
    self.source = source

  def describe(self):
    facts = {**super().describe(), "source": self.source}
    del facts["seed"]
    return facts


def test_a_renamed_input_is_known_by_its_content(tmp_path):
  data.prepare_run(tmp_path / "run", Named("old"), CONFIG)
  again = data.prepare_run(tmp_path / "run", Named("new"), CONFIG)
  assert again.facts["cohort"]["source"] == "old"
  for source in ("old", "new"):  # Other patients, under either name.
    with pytest.raises(errors.ExistingOutputError, match="patient p0 differs"):
      data.prepare_run(tmp_path / "run", Named(source, seed=1), CONFIG)


class Filed(Blobs):
  """Blobs of which each patient has a file, and some a moved contour."""

  def __init__(self, folder, moved=()):
    super().__init__(patients=8)
    self.folder, self.moved, self.loaded = folder, moved, []
    folder.mkdir(exist_ok=True)
    for name in self.patients():
      if not (folder / name).exists():
        (folder / name).write_text(name)

  def files(self, patient):
    return [self.folder / patient]

  def load(self, patient):
    self.loaded.append(patient)
    case = super().load(patient)
    if patient in self.moved:
      brain = np.roll(case.masks["brain"], 1, axis=2)
      case = dataclasses.replace(case, masks={**case.masks, "brain": brain})
    return case


def test_a_changed_contour_of_any_patient_is_noticed(tmp_path):
  run, folder = tmp_path / "run", tmp_path / "in"
  data.prepare_run(run, Filed(folder), CONFIG)
  same = Filed(folder)
  data.prepare_run(run, same, CONFIG)
  assert same.loaded == []  # None was touched.
  folder.rename(tmp_path / "other")
  moved = Filed(tmp_path / "other")
  data.prepare_run(run, moved, CONFIG)
  assert moved.loaded == []
  (moved.folder / "p5").write_text("as p5 was before")
  for wrong in (("p5",), ()):
    again = Filed(moved.folder, wrong)
    if wrong:
      with pytest.raises(
        errors.ExistingOutputError, match="patient p5 differs"
      ):
        data.prepare_run(run, again, CONFIG)
    else:
      data.prepare_run(run, again, CONFIG)
    assert again.loaded == ["p5"]
  again = Filed(moved.folder)
  data.prepare_run(run, again, CONFIG)
  assert again.loaded == []  # It remembers.


@pytest.mark.parametrize("what", ["spacing", "unscanned", "unknown"])
def test_other_sizes_of_the_same_pixels_are_another_patient(tmp_path, what):
  run, folder = tmp_path / "run", tmp_path / "in"
  data.prepare_run(run, Filed(folder), CONFIG)
  (folder / "p5").write_text("written anew")
  again, load = Filed(folder), Filed.load

  def changed(patient):
    case = load(again, patient)
    if what == "spacing":
      affine = case.image.affine.copy()
      affine[:3, 0] *= 1.1  # From slice to slice.
      grid = volume.Grid.from_affine(case.image.array.shape, affine)
      image = volume.Volume(case.image.array, grid)
      return dataclasses.replace(case, image=image)
    if what == "unscanned":
      return dataclasses.replace(case, unscanned=(1,))
    return dataclasses.replace(case, unknown={"brain": (0,)})

  again.load = changed
  with pytest.raises(errors.ExistingOutputError, match="patient p5 differs"):
    data.prepare_run(run, again, CONFIG)


@pytest.mark.parametrize("content", [None, "[]", '{"patients": 3}', "{"])
def test_without_its_inputs_all_patients_are_compared(tmp_path, content):
  run, folder = tmp_path / "run", tmp_path / "in"
  data.prepare_run(run, Filed(folder), CONFIG)
  for moved, loaded in ((("p7",), 8), ((), 8), ((), 0)):
    if loaded:
      (run / "inputs.json").unlink(missing_ok=True)
      if content is not None:
        (run / "inputs.json").write_text(content)
    again = Filed(folder, moved)
    if moved:
      with pytest.raises(
        errors.ExistingOutputError, match="patient p7 differs"
      ):
        data.prepare_run(run, again, CONFIG)
    else:
      data.prepare_run(run, again, CONFIG)
    assert len(again.loaded) == loaded


def test_a_lost_split_is_drawn_again_and_said(tmp_path):
  first = data.prepare_run(tmp_path / "run", Blobs(), CONFIG, seed=3)
  assert first.notes == ()
  path = tmp_path / "run" / "split.json"
  content = path.read_bytes()
  path.unlink()
  again = data.Run(tmp_path / "run")
  assert again.split == first.split and path.read_bytes() == content
  (note,) = again.notes
  assert "split.json was lost; it was drawn again by its seed" in note
  assert data.Run(tmp_path / "run").notes == ()


def test_a_split_that_was_given_cannot_be_drawn_again(tmp_path):
  names = Blobs().patients()
  split = data.Split(names[:6], names[6:9], names[9:])
  data.prepare_run(tmp_path / "run", Blobs(), CONFIG, split=split)
  (tmp_path / "run" / "split.json").unlink()
  with pytest.raises(errors.DataError, match="it was given by --split"):
    data.Run(tmp_path / "run")


def test_another_split_or_store_is_refused(tmp_path):
  data.prepare_run(tmp_path / "run", Blobs(), CONFIG)
  data.prepare_run(tmp_path / "other", Blobs(seed=1), CONFIG, seed=1)
  split = tmp_path / "run" / "split.json"
  content = split.read_bytes()
  shutil.copy(tmp_path / "other" / "split.json", split)
  with pytest.raises(errors.DataError, match=r"is not the split .*; delete it"):
    data.Run(tmp_path / "run")
  split.write_bytes(content)
  shutil.rmtree(tmp_path / "run" / "store")
  shutil.copytree(tmp_path / "other" / "store", tmp_path / "run" / "store")
  with pytest.raises(errors.DataError, match="put the two that belong"):
    data.Run(tmp_path / "run")
