"""A tiny cohort for tests: blobs in a body, a second to train on."""

import numpy as np

from jaxseg import cohorts
from jaxseg import errors
from jaxseg import volume


class Blobs:
  """Patients with a bright ball (brain) and a bright rod (spinal_cord).

  Every fourth patient lacks the rod's contour. Patients differ in place and
  size; spacing is 3 x 2 x 2 mm and slices grow to inferior.
  """

  name = "blobs"
  structures = ("brain", "spinal_cord")

  def __init__(self, patients=12, grid=48, seed=0):
    self.count, self.grid, self.seed = patients, grid, seed

  def patients(self):
    return tuple(f"p{k}" for k in range(self.count))

  def describe(self):
    return {"name": self.name, "patients": self.count, "seed": self.seed}

  def load(self, patient):
    number = int(patient[1:])
    draw = np.random.default_rng([self.seed, number])
    shape = (12, self.grid, self.grid)
    z, y, x = np.meshgrid(*map(np.arange, shape), indexing="ij")
    cy, cx = self.grid / 2 + draw.uniform(-3, 3, 2)
    body = (y - cy) ** 2 + (x - cx) ** 2 < (0.35 * self.grid) ** 2
    radius = draw.uniform(5, 7)
    ball = (2 * (z - 4)) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 < radius**2
    rod = (abs(y - cy - 9) < 3) & (abs(x - cx) < 3) & (z >= 3) & (z < 10)
    hu = np.where(body, 0, -1000) + 300 * ball + 200 * rod
    hu = hu + draw.normal(0, 60, shape)
    affine = np.diag([0.0, 0.0, 0.0, 1.0])
    affine[2, 0], affine[1, 1], affine[0, 2] = -3.0, 2.0, 2.0
    masks = {"brain": ball, "spinal_cord": rod}
    if number % 4 == 3:
      del masks["spinal_cord"]
    return cohorts.Case(
      patient=patient,
      image=volume.Volume.from_affine(hu.astype(np.int16), affine),
      masks=masks,
      unscanned=(0,),
    )


class Torn(Blobs):
  """The same, some of whose patients cannot be loaded."""

  def __init__(self, bad, **settings):
    super().__init__(**settings)
    self.bad = bad

  def load(self, patient):
    if patient in self.bad:
      raise errors.DataError(f"{patient}/ct.csv: torn; replace it")
    return super().load(patient)
