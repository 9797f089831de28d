"""Cleaning: what it keeps and fills, and when it is taken."""

import numpy as np

import jaxseg
from jaxseg import data
from jaxseg import deploy


def test_the_largest_component_and_holes():
  mask = np.zeros((3, 9, 9), np.bool_)
  mask[:, 1:6, 1:6] = True
  mask[1, 3, 3] = False  # A hole of its slice.
  mask[2, 8, 8] = True  # A speck.
  largest = deploy.Cleaning(largest=True)(mask)
  assert not largest[2, 8, 8] and not largest[1, 3, 3]
  holes = deploy.Cleaning(holes=True)(mask)
  assert holes[2, 8, 8] and holes[1, 3, 3]
  both = deploy.Cleaning(largest=True, holes=True)(mask)
  assert both.sum() == 75
  assert deploy.Cleaning()(mask) is mask
  empty = np.zeros_like(mask)
  assert not deploy.Cleaning(True, True)(empty).any()
  # Voxels that touch at a corner belong together.
  mask[:] = False
  mask[0, 0, 0] = mask[1, 1, 1] = True
  np.testing.assert_array_equal(deploy.Cleaning(largest=True)(mask), mask)


def test_it_is_chosen_by_the_dice_of_the_validation_patients(deployed):
  run = data.Run(deployed / "run")
  model = jaxseg.load_model(run.folder / "models/oral_cavity/bce/0")
  found = deploy.choose_cleaning(run, model)
  assert found["patients"] == 1
  (name,) = run.split.validation
  maps = model.predict_prepared(run.store.image(name))
  maps = run.store.patients[name].placement.restore(maps)
  cut = maps >= np.float32(model.threshold.threshold)
  reference = run.store.reference(name, "oral_cavity")

  def dice(mask):
    return 2 * (mask & reference).sum() / (mask.sum() + reference.sum())

  assert found["dice_before"] == dice(cut)
  chosen = deploy.Cleaning(found["largest"], found["holes"])
  assert found["dice_after"] == dice(chosen(cut))
  assert found["dice_after"] >= found["dice_before"]
