"use strict";

// What the viewer says of a cut, in numbers, sentences and a curve.
const ViewerNumbers = (() => {
  function digits({ grid }) {
    return grid > 10001 ? 5 : grid > 1001 ? 4 : 3;
  }

  function at({ scene }, k) {
    return (k / (scene.grid - 1)).toFixed(digits(scene));
  }

  function score(value) {
    return Number.isNaN(value) ? "undefined" : value.toFixed(3);
  }

  // Relative loss of Dice at k, as the library's `sensitivity`.
  function loss({ map }, dice, k) {
    const own = dice(map.threshold);
    return own > 0 ? (own - dice(k)) / own : NaN;
  }

  function cohort({ found }) {
    return (k) => found.cohort[k];
  }

  function said(share) {
    if (Number.isNaN(share)) return "undefined";
    const percent = `${(100 * Math.abs(share)).toFixed(1)} %`;
    return share >= 0 ? `${percent} lost` : `${percent} gained`;
  }

  // A sentence before, the words in large print, and those behind.
  function cost(state) {
    const { scene, map, found, k } = state;
    const all = cohort(state);
    const together = scene.patients > 1 ? `all ${scene.patients} together` : "";
    if (k === map.threshold) {
      const own = [`Dice ${score(found.dice(k))} on this patient`];
      if (together) own.push(`${score(all(k))} on ${together}`);
      return ["", `${at(state, k)} is the model’s own threshold.`,
        `\n${own.join(", ")}.\nMove it to see what a shift costs.`];
    }
    const shift = (k - map.threshold) / (scene.grid - 1);
    const far = Math.abs(shift).toFixed(digits(scene));
    const from = (dice) => `(${score(dice(map.threshold))} to ${score(dice(k))})`;
    const rest = together
      ? `\n${said(loss(state, all, k))} on ${together} ${from(all)}` : "";
    return [`A threshold ${far} ${shift < 0 ? "lower" : "higher"} than the`
      + ` model’s own ${at(state, map.threshold)}:\n`,
      `Dice: ${said(loss(state, found.dice, k))}`,
      ` on this patient ${from(found.dice)}${rest}`];
  }

  function distance(apart) {
    if (apart.mm === "inf") return "no contour";
    return apart.mm === null ? "undefined" : `${apart.mm.toFixed(1)} mm`;
  }

  // In the units of the chart's viewBox.
  function x({ scene }, k) {
    return 34 + (316 * k) / (scene.grid - 1);
  }

  function y(dice) {
    return 140 - 130 * dice;
  }

  function curve(state, dice) {
    const { scene, map } = state;
    const step = Math.max(1, Math.round((scene.grid - 1) / 250));
    let path = "";
    for (let k = map.floor; k < scene.grid; k += step) {
      const value = dice(k);
      if (Number.isNaN(value)) continue;
      path += `${path ? "L" : "M"}${x(state, k).toFixed(1)} ${y(value).toFixed(1)}`;
    }
    return path;
  }

  return { at, score, loss, cohort, cost, distance, x, y, curve };
})();
