"""Maps of whole patients come back on the patients' own grid."""

import numpy as np
import pytest

from jaxseg import errors
from jaxseg import inference
from tests import tiny


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
  run = tiny.prepare(tmp_path_factory.mktemp("inference") / "run")
  return run, tiny.train(run, tiny.config())[0]


def test_a_map_lies_where_the_organ_is(trained):
  run, done = trained
  name = run.split.test[0]
  maps = inference.Predictor(done.folder).predict_patient(run.store, name)
  reference = run.store.reference(name, "brain")
  assert maps.shape == reference.shape
  assert maps.dtype == np.float32
  assert 0 <= maps.min() and maps.max() <= 1
  inside, outside = maps[reference].mean(), maps[~reference].mean()
  assert inside > 3 * outside


def test_slices_do_not_depend_on_their_batch(trained):
  run, done = trained
  predictor = inference.Predictor(done.folder)
  images = run.store.images()[:40]  # More than one batch.
  whole = predictor.predict(images)
  np.testing.assert_array_equal(whole[33:37], predictor.predict(images[33:37]))


def test_best_and_last_are_told_apart(trained):
  run, done = trained
  images = run.store.images()[:4]
  for slot in ("best", "last"):
    assert np.isfinite(
      inference.Predictor(done.folder, slot=slot).predict(images)
    ).all()


def test_a_folder_without_a_model_is_named(tmp_path, trained):
  with pytest.raises(errors.DataError, match=r"config\.json: no such file"):
    inference.Predictor(tmp_path)
  run, done = trained
  content = (done.folder / "config.json").read_text()
  (tmp_path / "config.json").write_text(content)
  with pytest.raises(errors.DataError, match="no best checkpoint"):
    inference.Predictor(tmp_path).predict(run.store.images()[:2])
