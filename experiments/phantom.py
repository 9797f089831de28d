r"""Writes made-up patients as DICOM: a CT series and an RTSTRUCT each.

    python -m experiments.phantom
    python -m experiments.phantom --patients=3 --grid=256 --output=phantoms

They try out whatever reads CT + RTSTRUCT; they say nothing about patients.
Writes OUTPUT/phantom_000/ct/0001.dcm ... and OUTPUT/phantom_000/rtstruct.dcm;
24 patients take some seconds. Stopped and started again it goes on.
"""

from absl import flags

from experiments import cli
from jaxseg import cohorts

_OUTPUT = flags.DEFINE_string("output", "runs/phantom-dicom", "Folder.")
_PATIENTS = flags.DEFINE_integer("patients", 24, "Number of patients.")
_GRID = flags.DEFINE_integer(
  "grid", 128, "Rows and columns of the CT; they show 300 mm."
)
_SLICE = flags.DEFINE_float("slice_mm", 5.0, "Distance of the slices, mm.")
_SEED = flags.DEFINE_integer("seed", 0, "Another seed, other patients.")


def main() -> None:
  phantom = cohorts.Phantom(
    patients=_PATIENTS.value,
    size=_GRID.value,
    slice_mm=_SLICE.value,
    seed=_SEED.value,
  )
  with cli.progress("writing") as on_patient:
    folder = cohorts.write_phantom(
      _OUTPUT.value, phantom, on_patient=on_patient
    )
  print(f"Written: {folder}")
  print(f"Look at it: python -m experiments.inspect {folder}")


if __name__ == "__main__":
  cli.run(main)
