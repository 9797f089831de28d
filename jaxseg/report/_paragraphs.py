"""What the page says of each analysis, before its figures and table."""

CHOICE_RUN = """\
The threshold is chosen where the pooled Dice of the validation patients is \
highest, in the middle of that plateau, and then scored on the test patients, \
beside 0.5. `left out`: the Dice of the validation patients, each cut at the \
threshold chosen without it."""
CHOICE_MAPS = """\
The threshold is that of the {rule}, in the middle of its plateau: chosen and \
scored on the same cases. `left out` is the honest value: each case is cut at \
the threshold chosen without its patient. Pooled: one value from the summed \
voxels of all cases; mean_case: the mean of the cases' values.\
"""
INTERVALS = """\
 Intervals of {level} come from {resamples} resamples of the patients: of \
Dice by each resample's own standard error, of thresholds widened for few \
patients as Student's t is. They are too narrow below 10 patients, and where \
failures are so rare that a small cohort may hold none."""
SCOPES = """

Scope `known`: slices where the reference can be believed. Spinal cord, \
esophagus and neck continue beyond the range that was contoured, so their \
slices beyond it are left out of training and scores (unless the patients were \
prepared with `--beyond=absent`); of all other organs every scanned slice \
counts. The table file has three more scopes: `volume`, \
every scanned slice as if nothing lay beyond the contours; `organ`, the \
slices with the structure; `kept`, these and as many others as training shows. \
Pooled: one Dice from the summed voxels of all patients; mean_case: the mean \
of the patients' Dice."""
CALIBRATION = """\
Do probabilities match observed frequencies? The calibration error is the mean \
difference of the two, weighted by voxels. Of calibrated maps the best \
threshold is half of the best Dice, and it could be told from the maps alone: \
this expected threshold, of the maps as they are and after calibration by a \
fitted temperature, stands beside the empirical one."""
SURFACES = """\
Surface metrics of the cases at each threshold, and the best threshold of \
each, chosen and scored on the same cases. Distances are medians over the \
cases, NSD is the mean share of both surfaces within 2 mm of the other; a \
missed structure is infinitely far."""
SENSITIVITY = """\
Relative Dice reduction when the threshold is moved from its optimum, on the \
validation patients as in the paper, and about the same threshold on the test \
patients. Medians over structures and both directions; a shift that leaves \
[0, 1] is left out. On the validation patients, who chose the optimum, no \
shift can gain; only the test patients tell what it costs others."""
OBJECTIVES = """\
Pooled Dice of the test patients at the threshold chosen on the validation \
patients, and at 0.5; sensitivity is the mean relative reduction at ±0.05 on \
the validation patients. Distances are medians over the test patients between \
surfaces weighted by area, scope `known`: HD95 is the larger of the two \
directed 95th percentiles, ASSD the mean over both surfaces, NSD the share of \
both within 2 mm of the other. A missed structure is infinitely far."""
