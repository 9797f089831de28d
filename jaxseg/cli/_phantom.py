"""Writes synthetic patients as DICOM: a CT series and an RTSTRUCT each.

    jaxseg phantom
    jaxseg phantom --patients=3 --grid=256 --output=phantoms

Use them to test anything that reads CT + RTSTRUCT; they say nothing about
patients.
Writes OUTPUT/phantom_000/ct/0001.dcm ... and OUTPUT/phantom_000/rtstruct.dcm;
24 patients take a few seconds. If interrupted, the same command resumes.
"""

from jaxseg.cli import _call
from jaxseg.cli import _flags


def define(flags: _flags.Flags) -> None:
  flags.heading("Flags")
  flags.string(
    "output", "runs/phantom-dicom", "FOLDER", "Where the patients are written."
  )
  flags.integer("patients", 24, "N", "Number of patients.")
  flags.integer(
    "grid", 128, "N", "Rows and columns of the CT; they show 300 mm."
  )
  flags.number("slice_mm", 5.0, "MM", "Slice spacing.")
  flags.integer(
    "seed", 0, "N", "Random seed of the patients: another seed, other patients."
  )


def main(flags: _flags.Flags) -> None:
  from jaxseg import cohorts
  from jaxseg.cli import _console

  phantom = cohorts.Phantom(
    patients=flags.patients,
    size=flags.grid,
    slice_mm=flags.slice_mm,
    seed=flags.seed,
  )
  with _console.progress("writing") as on_patient:
    folder = cohorts.write_phantom(flags.output, phantom, on_patient=on_patient)
  print(f"Written: {folder}")
  print(f"Look at it: {_call.call('inspect')} {folder}")
