"""Writes README.md: what the tables of this folder say, and what is missing.

python readme.py FOLDER
"""

import collections
from collections.abc import Callable
import csv
import math
import pathlib
import sys
import textwrap
from typing import Any

from jaxseg import study

HERE = pathlib.Path(sys.argv[1])
ORGANS = (
  "parotid_left", "mandible", "brainstem", "larynx", "parotid_right",
  "spinal_cord", "esophagus",
)  # fmt: skip
SEEDS = (0, 1, 2)
STUCK = 0.1  # The study's rule.
NETWORKS = {
  "authors": "the authors' network",
  "rest": "without dropout of one channel",
  "unet": "our U-Net",
}
PARTS = {name: f"-{name}" * (name != "authors") for name in NETWORKS}
BY_DROPOUT = {"image,stretch,last,rest": "authors", "rest": "rest"}
LEVEL = 0.25  # Slices without the organ for each with it, of all but `levels`.
OBJECTIVES = {
  "dice_batch": "Dice of a batch",
  "bce_dice_batch": "cross entropy and Dice of a batch",
}  # Beside cross entropy.
LEVELS = (0, 1, 3)
OF_LEVELS = ("parotid_left", "mandible")
CLAIMS = {
  "C1": "An organ's own threshold beats 0.5: median share of Dice lost at 0.5",
  "C2": "A shift of ±0.05 costs a median of 11.8 % of Dice",
  "C3": "Prominence moves the optimum: slope of t\\* on ln(kept fraction)",
  "C4": "Training with Dice flattens the curve: cost of ±0.05 over that of BCE",
  "C5": "No objective is best by HD95, ASSD and NSD: organs in which one wins"
  " all three",
  "C6": "The cost comes with dropout of one-channel tensors: cost of ±0.05 with"
  " it minus without, percentage points",
}
NEEDS = {
  "C3": "part `levels` of train.sh",
  "C4": "part `losses` of train.sh",
  "C5": "part `losses` of train.sh",
}
RULES = {
  "C1": "lower bound > 2 % confirms, upper < 1 % refutes",
  "C2": "interval holds 11.8 %: agrees, which is no confirmation, as it holds"
  " much else; lower > 3 %: same order; upper < 2 %: refuted",
  "C3": "of two organs at four levels, all above 0 confirm, all below 0 refute",
  "C4": "upper < 0.5 confirms, lower > 1 refutes",
  "C5": "refuted if one wins all three in six of seven organs, else confirmed:"
  " an absence of wins",
  "C6": "lower > 1 point confirms, upper < 1 point refutes",
}


def read(name):
  """Rows of a table, numbers as such; [] if it is not there."""
  path = HERE / "tables" / f"{name}.csv"
  if not path.exists():
    return []
  with open(path, newline="") as file:
    return [
      {k: number(v) for k, v in row.items()} for row in csv.DictReader(file)
    ]


def number(text):
  for kind in (int, float):
    try:
      return kind(text)
    except ValueError:
      pass
  return text


def known(value):
  return isinstance(value, int | float) and math.isfinite(value)


def percent(value, digits=1):
  if not known(value):
    return "–"
  return f"{round(100 * value, digits) + 0.0:.{digits}f} %".replace("-", "−")


def said(value, digits=2):
  return f"{value:.{digits}f}".replace("-", "−") if known(value) else "–"


def fill(text):
  """A paragraph in lines of 80 columns."""
  return textwrap.fill(text, 80, break_on_hyphens=False, break_long_words=False)


def table(head, rows, words=1):
  """A table whose first columns are words, and the others numbers."""
  sides = ["---"] * words + ["---:"] * (len(head) - words)
  lines = [f"| {' | '.join(head)} |", f"| {' | '.join(sides)} |"]
  lines += [f"| {' | '.join(map(str, row))} |" for row in rows]
  return "\n".join(lines)


def folder_of(row):
  """Which of `NETWORKS` a row is of; None if of none."""
  network, _, places = row["network"].partition(", dropout at ")
  if network != "bice2020":
    return network if network in NETWORKS else None
  return BY_DROPOUT.get(places or row["dropout_at"])


def of_network(row):
  return NETWORKS[folder_of(row)]


def claims():
  rows: list[tuple[Any, ...]] = []
  for row in read("claims"):
    form: Callable[..., str] = said if row["claim"] in ("C3", "C4") else percent
    if row["claim"] == "C6":
      form = points
    ends = [form(row[end]) for end in ("low", "high")]
    statement = CLAIMS[row["claim"]]
    if row["claim"] == "C3":
      statement += f", {row['statement'].rpartition(', ')[2]}"
    if row["claim"] == "C4":
      statement += f", {row['statement'].partition(' ')[0]}"
    value = form(row["value"])
    if row["claim"] == "C5":
      value = f"{row['value']:.0f} of {row['structures']} organs"
    rows.append(
      (
        row["claim"],
        statement,
        of_network(row) if row["claim"] != "C6" else "both",
        value,
        "–" if "–" in ends else " to ".join(ends),
        f"**{row['verdict']}**",
        int(row["models"]),
        int(row["left_out"]),
      )
    )
  there = {row[0] for row in rows}
  for claim in CLAIMS:
    if claim not in there:
      need = NEEDS.get(claim, "more models")
      rows.append(
        (claim, CLAIMS[claim], "–", "–", "–", f"not tested: {need}", "–", "–")
      )
  rows.sort(key=lambda row: row[0])
  head = (
    "claim", "statement", "network", "verdict", "value", "95 %", "models",
    "sides left out",
  )  # fmt: skip
  order = (0, 1, 2, 5, 3, 4, 6, 7)
  return table(head, [[row[k] for k in order] for row in rows], words=4)


def points(value):
  """A difference of two shares, which is no share, in percentage points."""
  return percent(value).removesuffix(" %")


def causes():
  rows = [
    (
      of_network(row),
      row["scope"],
      f"{said(row['threshold'])} ({said(row['threshold_least'])} to"
      f" {said(row['threshold_most'])})",
      f"{percent(row['lost'])} ({percent(row['lost_low'])} to"
      f" {percent(row['lost_high'])})",
      percent(row["lost_minus"]),
      percent(row["lost_plus"]),
      percent(row["lost_half"]),
      f"{row['half_rule']:.0f} of {row['models']:.0f}",
      f"{row['beyond_bound']:.0f} of {row['models']:.0f}",
      f"{row['calibration_error']:.4f}",
    )
    for row in read("cause_arms")
    if folder_of(row)
    and row["objective"] == "bce"
    and row["negatives"] == LEVEL
  ]
  head = (
    "network", "scope", "t\\*, median (range)", "lost at ±0.05", "at −0.05",
    "at +0.05", "lost at 0.5", "half-Dice rule holds", "beyond the bound",
    "calibration error",
  )  # fmt: skip
  return table(head, rows, words=2)


def trained(network="bice2020"):
  """The fewest and the most steps that a network was trained for."""
  steps = [
    row["steps"]
    for row in read("causes")
    if known(row["steps"]) and row["network"] == network
  ]
  ends = sorted({f"{min(steps):,.0f}", f"{max(steps):,.0f}"}) if steps else []
  return " to ".join(ends) or "at most 4,000"


def limits():
  return fill(
    "With few seeds the intervals hold little of what seeds differ by: where an"
    " organ has one seed, none of it. All is of one cohort, one split and one"
    f" coarse grid (2.7 to 5.1 mm pixels), not the paper's; {trained()} steps,"
    f" the U-Net's {trained('unet')}, not its length of training (an epoch has"
    " no more than an organ's slices fill). The Dice reached here is low for"
    " clinical models, and a low Dice itself allows a larger cost (the bound"
    " below). C6 compares two places of dropout switched together (three"
    " one-channel tensors), not each by itself."
  )


def organs():
  of = collections.defaultdict(list)
  for row in read("causes"):
    usual = (row["scope"], row["objective"], row["negatives"])
    if usual == ("kept", "bce", LEVEL) and folder_of(row):
      of[row["structure"], folder_of(row)].append(row)
  rows = []
  for organ in ORGANS:
    for network, name in NETWORKS.items():
      own = of.get((organ, network))
      if not own:
        continue
      own.sort(key=lambda row: row["seed"])

      def each(column, form=said, own=own):
        return ", ".join(form(row[column]) for row in own)

      rows.append(
        (
          organ,
          name,
          ", ".join(
            f"{row['seed']:.0f}{'†' * (row['dice'] < STUCK)}" for row in own
          ),
          each("threshold"),
          each("dice"),
          each("dice_test"),
          each("lost_half_test", percent),
          each("lost_minus_test", percent),
          each("lost_plus_test", percent),
        )
      )
  head = (
    "organ", "network", "seeds", "t\\*", "Dice, validation", "Dice, test",
    "lost at 0.5", "at −0.05", "at +0.05",
  )  # fmt: skip
  return table(head, rows, words=3)


def correlations():
  rows = []
  for name, part in PARTS.items():
    for row in read(f"correlations{part}"):
      if (row["scope"], row["aggregate"], row["objective"]) == (
        "kept",
        "pooled",
        "bce",
      ) and row["definition"] in ("kept_fraction", "slice_fraction"):
        rows.append(
          (
            NETWORKS[name],
            row["definition"],
            int(row["n"]),
            f"{said(row['pearson'])} ({said(row['pearson_low'])} to"
            f" {said(row['pearson_high'])})",
            said(row["pearson_p_holm"]),
            said(row["partial"]),
            said(row["spearman"]),
          )
        )
  head = (
    "network", "definition", "organs", "Pearson r (95 %)",
    "p (Holm, six definitions)", "given Dice", "Spearman ρ",
  )  # fmt: skip
  return table(head, rows, words=2)


def correlated():
  """What the intervals of the kept fraction hold."""
  found = []
  whose = {"authors": "with that dropout", "rest": "without it",
           "unet": "of the U-Net"}  # fmt: skip
  for name, part in PARTS.items():
    for row in read(f"correlations{part}"):
      if (row["scope"], row["aggregate"], row["objective"]) == (
        "kept",
        "pooled",
        "bce",
      ) and row["definition"] == "kept_fraction":
        ends = row["pearson_low"], row["pearson_high"]
        held = [f"{r:g}" for r in (0, 0.92) if ends[0] <= r <= ends[1]]
        both = " and ".join(held) or "neither 0 nor 0.92"
        found.append(f"the one {whose[name]} holds {both}")
  return fill(
    "A few organs are few observations: of the intervals of the kept fraction"
    f" {', '.join(found)} (the paper's r is 0.92). Spinal cord and"
    " esophagus go on beyond their contours and were shown on slices with"
    " them alone; `pearson_others` in the table leaves them out."
  )


def spread():
  """How far single models lie from the medians."""
  lines = []
  for network in NETWORKS:
    lost = [
      row[f"lost_{side}_test"]
      for row in read("causes")
      for side in ("minus", "plus")
      if (row["scope"], row["objective"], row["negatives"], folder_of(row))
      == ("kept", "bce", LEVEL, network)
      and row["dice"] >= STUCK
    ]
    lost = sorted(filter(known, lost))
    if lost:
      lines.append(
        f"{NETWORKS[network]} from {percent(lost[0])} to {percent(lost[-1])}"
      )
  return fill(
    "Medians hide that organs differ: of single models and sides a shift of"
    f" ±0.05 costs {'; '.join(lines)}."
  )


def recommended():
  """Which threshold to use, by the study's own sentence."""
  lines = []
  for name, part in PARTS.items():
    rows = [
      r for r in read(f"recommendations{part}") if r["objective"] == "bce"
    ]
    if rows:
      said = study.recommendation(rows)
      lines.append(fill(f"- {NETWORKS[name]}: {said}").replace("\n", "\n  "))
  return "\n".join(lines)


def level_of(row):
  """Which of the levels a model is of; "" of the usual one."""
  if row["structure"] not in OF_LEVELS or row["negatives"] not in LEVELS:
    return ""
  return f", negatives {row['negatives']:g}"


def stuck_rows():
  """Rows of models that never learnt, each with that of its replacement."""
  rows = [row for row in read("causes") if row["scope"] == "kept"]
  kind = ("structure", "dropout_at", "objective", "negatives", "network")
  found = []
  for row in rows:
    if row["dice"] < STUCK:
      others = [
        other
        for other in rows
        if all(other[name] == row[name] for name in kind)
        and other["dice"] >= STUCK
        and other["seed"] > row["seed"]
        and (other["seed"] - row["seed"]) % 10 == 0
      ]
      found.append((row, others[-1] if others else None))
  return found


def stuck():
  """Models that never learnt, each by name."""
  told = [
    f"{row['structure']}, {of_network(row)},"
    f" {row['objective']}{level_of(row)}, seed {row['seed']}"
    + (f" (seed {other['seed']} stands for it)" if other else " (not replaced)")
    for row, other in stuck_rows()
  ]
  if not told:
    return "All have learnt (validation Dice of 0.1 or more)."
  alone = sum(other is None for _, other in stuck_rows())
  text = (
    f"{len(told)} never learnt (validation Dice below 0.1): {'; '.join(told)}."
    " By the rule such a model is replaced by seed + 10, and that one by seed +"
    " 20; claims and causes leave it out"
  )
  text += (
    f". For {alone} no replacement has been trained;"
    " correlations and sensitivity medians have such a model only where no seed"
    " of its organ learnt."
    if alone
    else ", and so do correlations and sensitivity medians."
  )
  near = [
    f"{row['structure']}, {of_network(row)}, {row['objective']}, seed"
    f" {row['seed']} ({said(row['dice'])})"
    for row in read("causes")
    if row["scope"] == "kept" and STUCK <= row["dice"] < 2 * STUCK
  ]
  if near:
    text += f" Just above that limit, and taking part: {'; '.join(near)}."
  return fill(text)


def seeds_said():
  """What both networks share of chance."""
  there = counted()
  ours, theirs = (
    {(o, s) for o, j, s in there[name] if j == "bce" and s in SEEDS}
    for name in ("authors", "rest")
  )
  but = ["where a model never learnt"] if stuck_rows() else []
  but += ["where one has not been run"] if ours != theirs else []
  return "and the same seeds" + (f" but {' or '.join(but)}" if but else "")


def counted():
  """Folder -> structure, objective and seed of the models that are there."""
  there = collections.defaultdict(set)
  for path in sorted((HERE / "counts").glob("*/*.npz")):
    facts = study.CohortCounts.read(path).facts
    there[path.parent.name].add(
      (facts["structure"], facts["objective"], facts["seed"])
    )
  return there


def run_of(name, wanted, own):
  """A line on one part of train.sh's plan.

  Args:
    name: Of the part.
    wanted: Organs of it.
    own: Organs that are there.
  """
  missing = [organ for organ in wanted if organ not in own]
  if len(missing) == len(wanted):
    return fill(f"- {name}: **not run**").replace("\n", "\n  ")
  if not missing:
    every = "all seven organs"
    if len(wanted) < len(ORGANS):
      every = " and ".join(wanted)
    return f"- {name}: {every}"
  there = [organ for organ in wanted if organ in own]
  said = f"{name}: {', '.join(there)}; not run: {', '.join(missing)}"
  return fill(f"- {said}").replace("\n", "\n  ")


def replacements(name, own):
  """A line on each seed that others were trained in place of."""
  instead = collections.defaultdict(list)
  for organ, objective, seed in sorted(own):
    if seed not in SEEDS:
      instead[organ, objective, seed % 10].append(seed)
  return [
    f"- {name}: {organ}, {objective}, seed{'s' * (len(seeds) > 1)}"
    f" {' and '.join(map(str, seeds))} in place of seed {first}"
    for (organ, objective, first), seeds in instead.items()
  ]


def finished(there):
  """Models there are, and what train.sh would still make."""
  lines = []
  for network, name in NETWORKS.items():
    own = there.get(network, set())
    for seed in SEEDS:
      organs = {o for o, j, s in own if (j, s) == ("bce", seed)}
      lines.append(run_of(f"{name}, seed {seed}", ORGANS, organs))
    lines += replacements(name, own)
  for objective, name in OBJECTIVES.items():
    for seed in SEEDS:
      own = {
        o for o, j, s in there.get("authors", ()) if (j, s) == (objective, seed)
      }
      if own or seed == SEEDS[0]:
        said = f"the authors' network on {name} (`{objective}`), seed {seed}"
        lines.append(run_of(said, ORGANS, own))
  for level in LEVELS:
    every = there.get(f"levels-{level}", set())
    for seed in SEEDS:
      own = {o for o, _, s in every if s == seed}
      if own or seed == SEEDS[0]:
        said = f"the authors' network, negatives {level}, seed {seed}"
        lines.append(run_of(said, OF_LEVELS, own))
    lines += replacements(f"the authors' network, negatives {level}", every)
  return "\n".join(lines)


def folders(there):
  """The folders of counts, that of the curves and the page first."""
  first = [name for name in NETWORKS if name in there]
  return [*first, *(name for name in sorted(there) if name not in first)]


def parts(there):
  """The parts of train.sh that have been begun."""
  losses = any(j != "bce" for _, j, _ in there.get("authors", ()))
  levels = any(name.startswith("levels") for name in there)
  unet = " unet" * ("unet" in there)
  return "authors rest" + " losses" * losses + " levels" * levels + unet


def sentences():
  """What the claims' figures say, by their verdicts."""
  rows = {(row["claim"], row["network"]): row for row in read("claims")}
  full, rest = (f"bice2020, dropout at {d}" for d in BY_DROPOUT)
  found = []
  for claim, what in (
    ("C1", "cutting at 0.5 loses a median of {} of Dice"),
    ("C2", "a shift of ±0.05 costs a median of {}"),
  ):
    one, other = rows.get((claim, full)), rows.get((claim, rest))
    if not one or not other:
      continue
    ours = rows.get((claim, "unet"))
    words = [
      f"{percent(r['value'])} ({percent(r['low'])} to {percent(r['high'])};"
      f" {r['verdict']})"
      for r in (one, other, *filter(None, [ours]))
    ]
    found.append(
      f"In the authors' network {what.format(words[0])}; without its dropout of"
      f" one-channel tensors it is {words[1]}"
      + (f", and in our U-Net {words[2]}." if ours else ".")
    )
  cause = rows.get(("C6", full))
  if cause:
    verb = {
      "confirmed": "By the rule the dropout is the cause",
      "refuted": "By the rule the dropout is not the cause",
    }.get(cause["verdict"], "By the rule the cause stays undecided")
    beyond = {
      "confirmed": ", above the 1 point that confirms it",
      "refuted": ", below the 1 point that would confirm it",
    }.get(
      cause["verdict"],
      ": above 0, but not surely above the 1 point that would confirm it"
      if cause["low"] > 0
      else "; above 1 point would confirm it",
    )
    found.append(
      f"{verb}: the paired difference of the cost of ±0.05 is"
      f" {points(cause['value'])} percentage points ({points(cause['low'])} to"
      f" {points(cause['high'])}){beyond}."
      f" {pairs_said()}"
    )
  arms = {
    folder_of(row): row
    for row in read("cause_arms")
    if (row["scope"], row["objective"], row["negatives"])
    == ("kept", "bce", LEVEL)
  }
  if len({"authors", "rest"} & set(arms)) == 2:
    one, other = arms["authors"], arms["rest"]
    found.append(
      f"Half of the best Dice, where a calibrated map has its optimum, is as"
      f" good a threshold (within 0.01) in {one['half_rule']:.0f} of"
      f" {one['models']:.0f} models with that dropout and in"
      f" {other['half_rule']:.0f} of {other['models']:.0f} without;"
      f" {one['beyond_bound']:.0f} and {other['beyond_bound']:.0f} lose more"
      " on one side than a calibrated map of their Dice can."
    )
  return "\n\n".join(map(fill, [*found, *others_said()]))


def pairs_said():
  """Of how many pairs of C6 the seeds differ."""
  seeds: dict[str, dict[Any, int]] = {"authors": {}, "rest": {}}
  for row in read("causes"):
    usual = (row["scope"], row["objective"], row["negatives"])
    own = seeds.get(folder_of(row))
    if (
      usual == ("kept", "bce", LEVEL)
      and row["dice"] >= STUCK
      and (own is not None)
    ):
      own[row["structure"], row["seed"] % 10] = row["seed"]
  one, other = seeds.values()
  both = one.keys() & other.keys()
  differ = sum(one[pair] != other[pair] for pair in both)
  return (
    f"Of its {len(both)} pairs of one organ and seed {differ} have a"
    " replacement's seed on one side."
  )


def at_ends(objective):
  """How many models of an objective choose a threshold beside 0 or 1."""
  own = [
    row["threshold"]
    for row in read("causes")
    if (row["scope"], row["objective"], folder_of(row))
    == ("kept", objective, "authors")
    and row["dice"] >= STUCK
  ]
  ends = sum(not 0.05 <= t <= 0.95 for t in own)
  return (
    f"{ends} of its {len(own)} models choose a threshold within 0.05 of 0 or 1,"
    " where one side of the shift leaves [0, 1]."
  )


def patients_said():
  """How many patients each organ's threshold is chosen and scored on."""
  sides, every = collections.defaultdict(set), collections.defaultdict(set)
  for path in sorted((HERE / "counts").glob("rest/*-0.npz")):
    result = study.CohortCounts.read(path)
    for name, part in zip(result.names, result.parts, strict=True):
      every[part].add(name)
    parts = zip(("validation", "test"), result.sides(scope="kept"), strict=True)
    for part, one in parts:
      sides[part].add(int((one.reference > 0).sum()))

  def span(part):
    own = sorted(sides[part])
    ends = " to ".join(dict.fromkeys((str(own[0]), str(own[-1]))))
    return f"{ends} of {len(every[part])}"

  return (
    "Thresholds are chosen on the validation patients who have the organ"
    f" ({span('validation')}), values are of the test patients who have it"
    f" ({span('test')})"
  )


def steadily():
  """Each organ's t* from the least to the most prominent level."""
  optima = collections.defaultdict(list)
  for row in sorted(read("levels"), key=lambda row: row["kept_fraction"]):
    if row["objective"] == "bce":
      optima[row["structure"]].append(row["threshold"])
  steady = [own == sorted(own) for own in optima.values()]
  each = "; ".join(
    f"{organ} {', '.join(map(said, own))}" for organ, own in optima.items()
  )
  return (
    f"From the fewest pixels of it to the most t\\* is {each}:"
    f" {'it rises steadily' if all(steady) else 'it does not rise steadily'}."
  )


def others_said():
  """The same of prominence and of the objectives, where they were run."""
  of = collections.defaultdict(list)
  for row in read("claims"):
    of[row["claim"]].append(row)
  if of["C3"]:
    each = ", ".join(
      f"{said(row['value'])} ({said(row['low'])} to {said(row['high'])}) for"
      f" {row['statement'].rpartition(', ')[2]}"
      for row in of["C3"]
    )
    verdict = of["C3"][0]["verdict"]
    yield (
      "Of the authors' network, trained and scored with fewer and more slices"
      f" without the organ, the slope of t\\* on ln(kept fraction) is {each}."
      f" That prominence moves the optimum is {verdict}. {steadily()}"
    )
  for row in of["C4"]:
    objective = row["statement"].partition(" ")[0]
    number = f"{row['structures']:.0f} organ{'s' * (row['structures'] != 1)}"
    yield (
      f"Trained on {OBJECTIVES.get(objective, objective)} (`{objective}`,"
      f" {number}) a shift of ±0.05 costs {said(row['value'])} times"
      f" ({said(row['low'])} to {said(row['high'])}"
      + ("; below 0 a shift gains" if row["low"] < 0 else "")
      + ") what it costs with cross entropy: that it flattens the curve is"
      f" {row['verdict']}. {at_ends(objective)}"
    )
  untrained = set(OBJECTIVES) - {
    r["statement"].partition(" ")[0] for r in of["C4"]
  }
  for row in of["C5"]:
    best = row["statement"].partition("organs in which ")[2].partition(" ")[0]
    yield (
      f"By surface distances the most that one objective wins is"
      f" {row['value']:.0f} of {row['structures']:.0f} organs (`{best}`): that"
      f" none is best is {row['verdict']}"
      + "".join(f"; `{name}` is not among them yet" for name in untrained)
      + "."
    )


def how():
  """How the values of the claims came about."""
  return (
    f"Percentages are shares of Dice. {patients_said()}. Medians are over"
    " models, those of ±0.05 over their sides, not over organs; C4 and C6"
    " count pairs of models. A side of ±0.05 that leaves [0, 1] is left out"
    " and counted, which makes a network of thresholds near 0 look less costly"
    " than it is: a cut at 0 loses nearly all. Intervals are percentiles of"
    " 2,000 resamples of patients, organs and seeds together, with two"
    " exceptions, made after simulations of what intervals hold, C4's when its"
    " first numbers were known: of C3's slope patients are resampled, and"
    " what the seeds of a level differ by is added as Student's t, since three"
    " seeds resampled give too narrow an interval; of C4's ratio organs"
    " alone, with all they have, widened by as much as so few fall short. Dice"
    " of a batch stands for C4's 2D Dice, which learns nothing from slices"
    " without the organ."
  )


def main():
  rows = read("claims")
  there = counted()
  origin = rows[0]
  rules = table(("claim", "rule"), RULES.items(), words=2)
  seeds = sorted({int(row["seed"]) for row in read("causes")})
  text = f"""\
# The paper's network on 100 OpenKBP patients, with and without one dropout

Bice et al. report that a threshold 0.05 off costs a median of 11.8 % of Dice.
Their network drops out channels before batch norm, also where a tensor has
*one* channel. Here it is trained as it is (`authors`), and with dropout of
tensors of several channels alone (`rest`): same patients, slices and steps,
{seeds_said()}.

![Dice against threshold, with and without the dropout](cause_curves.png)

*Unseen patients, organ slices and a quarter as many others, none of spinal cord
and esophagus (scope `kept`). A line is the mean over seeds that learnt, its
band their range; a dot is the threshold chosen on the validation patients.*

## What the numbers say
{sentences()}

{claims()}

{fill(how())}

The bounds were fixed before the numbers:

{rules}

## What was run, and what was not
{sum(map(len, there.values()))} models, \
seed{"s" * (len(seeds) > 1)} {", ".join(map(str, seeds))}.
{stuck()}

Of train.sh's plan:

{finished(there)}

Negatives are slices without the organ for each with it; where nothing is said
they are {LEVEL:g}, and none for spinal cord and esophagus.

{limits()}

## Each organ
{organs()}

Seeds in their order, of which those with † never learnt and are in no claim;
Dice and losses of the test patients at t\\*, except where it says validation. A
negative loss is a gain: t\\* was chosen on others.

{spread()}

## Which threshold to use
Scope `known`, mean Dice of unseen patients:

{recommended()}

## Causes
{causes()}

The bound is the most that a calibrated map of the same Dice can lose 0.05 below
or above its optimum, by a linear programme; a model beyond it is not
calibrated. Scope `kept` is the paper's, `organ` has slices with the organ
alone, `known` all slices where the reference can be believed. Each scope asks
by itself whether a model has learnt, so that one may count fewer.

## Prominence
{correlations()}

{correlated()}

## Tables and how to repeat them
`tables/` has these and more; files that end in `-rest` are of the network
without dropout of one channel. `counts/` has the counts of each model, from
which all of it is made without images or models, in minutes:

```
bash experiments/results/study/publish.sh
counts=experiments/results/study/counts   # with the page:
jaxseg reproduce --output=runs/study \\
  --counts={",".join(f"$counts/{name}" for name in folders(there))}
```

From the patients (20 to 35 minutes a model on a core of this machine; what was
interrupted goes on):

```
for seed in 0 1 2; do   # What has been run of each seed is listed above.
  bash experiments/results/study/train.sh provided-data runs/study $seed \\
    {parts(there)}
done
bash experiments/results/study/publish.sh runs/study
```

Analyses: jaxseg {origin["version"]}, commit {origin["commit"]},
{origin["date"]}, resamples of seed {int(origin["seed"])}. Trainings: from
2026-11-26 on at commit 39d155d, recipe bice2020, 75 x 75 pixels, 50 epochs of
at most 80 steps, batches of 16, Adam at 0.005; the U-Net: recipe jaxseg, 8
channels in the first block, 80 x 80 pixels about the body, 25 epochs. One
thread each on two cores of an AMD EPYC; JAX 0.10.2.
"""
  (HERE / "README.md").write_text(text)


main()
