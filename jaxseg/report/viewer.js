"use strict";

(() => {
  const D = ViewerData;
  const get = (id) => document.getElementById(`viewer-${id}`);
  const { scenes } = JSON.parse(get("data").textContent);
  const canvas = get("canvas");
  const words = { objective: "Trained on", seed: "Seed",
    negatives: "Slices without the organ" };
  const roles = { median: "median", worst: "worst", best: "best" };
  // Of the picture about the contours in the close-up, mm.
  const CLOSE_MM = 14;
  let state = null; // What is shown; replaced as a whole by `open`.
  let opening = 0;
  let wide = false;
  let shaded = false;
  let waiting = false;
  const truths = new Map(); // Of scenes, and maps of them, as promises.

  function once(key, make) {
    if (!truths.has(key)) {
      const made = make();
      made.catch(() => truths.delete(key));
      truths.set(key, made);
    }
    return truths.get(key);
  }

  // -- What to show ---------------------------------------------------------

  async function open(scene, map) {
    const number = ++opening;
    const before = state;
    if (before && before.scene !== scene) truths.clear();
    const truth = await once(scene, () => D.reference(scene));
    const found = await once(map, () => D.map(scene, map, truth));
    if (number !== opening) return; // Another was asked for meanwhile.
    const same = before && before.scene === scene;
    state = { scene, map, truth, found, pictures: same ? before.pictures : new Map(),
      k: Math.max(map.threshold, map.floor), slice: same ? before.slice : -1 };
    state.box = same ? before.box : close(state);
    if (!same) state.slice = largest(state);
    selects();
    controls();
    curves();
    show(state.slice, state.k);
  }

  // The slice with most of the reference.
  function largest({ scene, truth }) {
    let best = scene.origin[0] + (scene.size[0] >> 1);
    let most = 0;
    for (let k = 0; k < scene.shape[0]; k++) {
      const count = truth.begin[k + 1] - truth.begin[k];
      if (count > most) [best, most] = [k, count];
    }
    return best;
  }

  // Rows and columns about the reference, [first, beyond the last].
  function close({ scene, truth }) {
    const [, rows, columns] = scene.shape;
    const whole = wholeBox(scene);
    if (!truth.place.length) return whole;
    let [r0, r1, c0, c1] = [rows, 0, columns, 0];
    for (const index of truth.place) {
      const r = Math.floor(index / columns) % rows;
      const c = index % columns;
      r0 = Math.min(r0, r);
      r1 = Math.max(r1, r + 1);
      c0 = Math.min(c0, c);
      c1 = Math.max(c1, c + 1);
    }
    const [, y, x] = scene.spacing;
    const side = Math.max((r1 - r0) * y, (c1 - c0) * x) + 2 * CLOSE_MM;
    const grown = (low, high, mm) => {
      const by = (side / mm - (high - low)) / 2;
      return [low - by, high + by];
    };
    const fit = ([low, high], from, to) =>
      [Math.max(low, from), Math.min(high, to)];
    return [...fit(grown(r0, r1, y), whole[0], whole[1]),
      ...fit(grown(c0, c1, x), whole[2], whole[3])];
  }

  function wholeBox({ origin, size }) {
    return [origin[1], origin[1] + size[1], origin[2], origin[2] + size[2]];
  }

  // -- Choices --------------------------------------------------------------

  function option(value, text, chosen) {
    const one = document.createElement("option");
    one.value = value;
    one.textContent = text;
    one.selected = chosen;
    return one;
  }

  function selects() {
    const { scene, map } = state;
    const rows = [];
    const labels = new Map(scenes.map((s) => [s.structure, s.label]));
    rows.push(["structure", "Structure", labels, scene.structure]);
    const patients = new Map(
      scenes.filter((s) => s.structure === scene.structure).map((s) => [
        s.role, `${s.patient}: ${roles[s.role]} of ${s.patients}`]));
    rows.push(["role", "Patient, by Dice", patients, scene.role]);
    for (const name of Object.keys(map.choices)) {
      const values = new Map(scene.maps.map((m) => [
        m.choices[name], m.choices[name]]));
      if (name === "objective" || values.size > 1) {
        rows.push([name, words[name] || name, values, map.choices[name]]);
      }
    }
    const place = get("selects");
    const focused = place.contains(document.activeElement)
      ? document.activeElement.name : null;
    place.replaceChildren(...rows.map(([name, said, values, own]) => {
      const label = document.createElement("label");
      const select = document.createElement("select");
      select.name = name;
      select.append(...[...values].map(([v, text]) => option(v, text, v === own)));
      select.addEventListener("change", () => choose(name, select.value));
      label.append(said, select);
      return label;
    }));
    if (focused) place.querySelector(`[name="${CSS.escape(focused)}"]`)?.focus();
  }

  // The scene and the map nearest to what was asked and what is shown.
  function choose(name, value) {
    let scene = state.scene;
    const wanted = { ...state.map.choices };
    if (name === "structure" || name === "role") {
      const asked = { structure: scene.structure, role: scene.role };
      asked[name] = value;
      const own = scenes.filter((s) => s.structure === asked.structure);
      scene = own.find((s) => s.role === asked.role) || own[0];
    } else {
      wanted[name] = value;
    }
    const alike = (map) => Object.keys(wanted).reduce((sum, key) =>
      sum + (map.choices[key] === wanted[key]) * (key === name ? 100 : 1), 0);
    const best = scene.maps.reduce((a, b) => (alike(b) > alike(a) ? b : a));
    open(scene, best).catch(failed);
  }

  function controls() {
    const { scene, map, found } = state;
    const [first, count] = [scene.origin[0], scene.size[0]];
    Object.assign(get("slice"), { min: first, max: first + count - 1 });
    Object.assign(get("threshold"), { min: map.floor, max: scene.grid - 1 });
    get("own-at").textContent = number(map.threshold);
    get("left").textContent = scene.sides[0];
    get("top").textContent = scene.sides[1];
    get("all").textContent = `all ${scene.patients}, together`;
    get("strip").setAttribute("viewBox", `${first} 0 ${count} 2`);
    get("distance-row").hidden = !map.cuts.length;
    const always = [];
    if (!state.truth.place.length) {
      always.push("The reference of this patient is empty.");
    }
    if (map.floor > (scene.grid - 1) / 100) {
      always.push("This map is large below a threshold of"
        + ` ${number(map.floor)}; it is shown from there on.`);
    }
    state.always = always;
    get("strip").firstElementChild.setAttribute("d",
      blocks((k) => state.truth.begin[k + 1] > state.truth.begin[k], 0));
    found.dice = (k) => D.dice(found, state.truth.voxels, k);
  }

  // Slices of which something holds, as a path of unit squares.
  function blocks(holds, y) {
    const [first, count] = [state.scene.origin[0], state.scene.size[0]];
    let path = "";
    for (let k = first; k < first + count; k++) {
      if (holds(k)) path += `M${k} ${y}h1v1h-1z`;
    }
    return path;
  }

  // -- Numbers --------------------------------------------------------------

  function number(k) {
    const digits = state.scene.grid > 1001 ? 4 : 3;
    return (k / (state.scene.grid - 1)).toFixed(digits);
  }

  function put(id, value, text) {
    const place = get(id);
    place.dataset.value = value;
    place.textContent = text;
  }

  function score(value) {
    return Number.isNaN(value) ? "undefined" : value.toFixed(3);
  }

  const percent = (share) => `${(100 * share).toFixed(1)} %`;

  // Relative loss of Dice at k, as the library's `sensitivity`.
  function loss(dice, k) {
    const own = dice(state.map.threshold);
    return own > 0 ? (own - dice(k)) / own : NaN;
  }

  function tell() {
    const { scene, map, truth, found, slice, k } = state;
    const t = number(k);
    const here = D.slice(scene, found, truth, slice);
    const dice = D.dice(here, here.voxels, k);
    put("dice-slice", dice, Number.isNaN(dice) ? "neither here" : score(dice));
    put("dice", found.dice(k), score(found.dice(k)));
    const apart = D.distance(map, scene.grid, k);
    if (apart) {
      const mm = apart.mm === "inf" ? "no contour"
        : apart.mm === null ? "undefined" : `${apart.mm.toFixed(1)} mm`;
      put("distance", apart.mm, mm);
      if (!apart.exact) {
        const small = document.createElement("small");
        small.textContent = ` at ${apart.cut.toFixed(2)}`;
        get("distance").append(small);
      }
    }
    const share = truth.voxels ? found.all[k] / truth.voxels : NaN;
    put("volume", share, Number.isNaN(share) ? "undefined" : `${Math.round(100 * share)} %`);
    get("now-at").textContent = t;
    put("threshold-at", k / (scene.grid - 1), t);
    const last = scene.origin[0] + scene.size[0] - 1;
    put("slice-at", slice, `${slice} (${scene.origin[0]} to ${last})`);
    get("slice").value = slice;
    get("threshold").value = k;
    get("slice").setAttribute("aria-valuetext",
      `slice ${slice}, Dice ${score(dice)}`);
    get("threshold").setAttribute("aria-valuetext",
      `${t}, Dice of this patient ${score(found.dice(k))}`);
    cost();
    notes();
    const model = Object.entries(map.choices).filter(([name]) =>
      name === "objective" || scene.maps.some((m) => m.choices[name] !== map.choices[name]))
      .map(([name, value]) => (name === "objective" ? value : `${words[name] || name} ${value}`));
    get("where").textContent =
      [scene.label, scene.patient, ...model].join(" · ") + `\nslice ${slice}`;
    canvas.setAttribute("aria-label", `${scene.label} of ${scene.patient}, slice`
      + ` ${slice}, cut at ${t}: Dice of the slice ${score(dice)}`);
  }

  function cost() {
    const { scene, map, found, k } = state;
    const all = (at) => found.cohort[at];
    const shift = (k - map.threshold) / (scene.grid - 1);
    const mine = loss(found.dice, k);
    const place = get("cost");
    Object.assign(place.dataset, { patient: mine, cohort: loss(all, k) });
    const big = document.createElement("b");
    if (k === map.threshold) {
      big.textContent = `${number(k)} is the model’s own threshold.`;
      place.replaceChildren(big, document.createElement("br"),
        `Dice ${score(found.dice(k))} on this patient, ${score(all(k))} on`
        + ` all ${scene.patients} together. Move it to see what a shift costs.`);
      return;
    }
    const said = (share) => Number.isNaN(share) ? "undefined"
      : share >= 0 ? `${percent(share)} lost` : `${percent(-share)} gained`;
    big.textContent = `Dice: ${said(mine)}`;
    big.className = mine > 0 ? "viewer-loss" : "";
    const from = (dice) => `(${score(dice(map.threshold))} to ${score(dice(k))})`;
    place.replaceChildren(
      `A threshold ${Math.abs(shift).toFixed(3)} ${shift < 0 ? "lower" : "higher"}`
      + ` than the model’s own ${number(map.threshold)}:`,
      document.createElement("br"), big,
      ` on this patient ${from(found.dice)}`, document.createElement("br"),
      `${said(loss(all, k))} on all ${scene.patients} together ${from(all)}`);
  }

  function notes() {
    const { scene, truth, slice } = state;
    const parts = [...state.always];
    if (!truth.known[slice]) {
      parts.push("This slice does not count: the contours do not say whether"
        + " the structure goes on here.");
    }
    const beyond = outside();
    if (beyond) {
      parts.push(`${beyond} voxels of this cut lie beyond the picture; they`
        + " count.");
    }
    get("note").textContent = parts.join(" ");
  }

  // Voxels of the whole cut that no slice of the picture shows.
  function outside() {
    const { scene, found, k } = state;
    const [, rows, columns] = scene.shape;
    const [r0, r1, c0, c1] = wholeBox(scene);
    const [s0, s1] = [scene.origin[0], scene.origin[0] + scene.size[0]];
    let count = 0;
    for (let s = 0; s < scene.shape[0]; s++) {
      if (found.highest[s] <= k || !state.truth.known[s]) continue;
      for (let i = found.begin[s]; i < found.begin[s + 1]; i++) {
        if (found.level[i] <= k) continue;
        const r = Math.floor(found.place[i] / columns) % rows;
        const c = found.place[i] % columns;
        const shown = s >= s0 && s < s1 && r >= r0 && r < r1 && c >= c0 && c < c1;
        count += !shown;
      }
    }
    return count;
  }

  // -- The curve ------------------------------------------------------------

  const X = (k) => 34 + (316 * k) / (state.scene.grid - 1);
  const Y = (dice) => 140 - 130 * dice;

  function curve(dice) {
    const { scene, map } = state;
    const step = Math.max(1, Math.round((scene.grid - 1) / 250));
    let path = "";
    for (let k = map.floor; k < scene.grid; k += step) {
      const value = dice(k);
      if (Number.isNaN(value)) continue;
      path += `${path ? "L" : "M"}${X(k).toFixed(1)} ${Y(value).toFixed(1)}`;
    }
    return path;
  }

  function curves() {
    const { map, found } = state;
    get("patient").setAttribute("d", curve(found.dice));
    get("cohort").setAttribute("d", curve((k) => found.cohort[k]));
    get("chosen").setAttribute("d", `M${X(map.threshold)} 10V140`);
  }

  function handle() {
    const { map, found, k } = state;
    const [x, y] = [X(k), Y(found.dice(k) || 0)];
    get("handle").setAttribute("cx", x);
    get("handle").setAttribute("cy", y);
    const own = found.dice(map.threshold);
    get("lost").setAttribute("d",
      own >= 0 && k !== map.threshold ? `M${x} ${Y(own)}V${y}` : "");
    get("strip").lastElementChild.setAttribute("d",
      blocks((s) => found.highest[s] > k, 1));
  }

  // -- Moving ---------------------------------------------------------------

  function show(slice, k) {
    const { scene, map } = state;
    const within = (value, low, high) => Math.min(high, Math.max(low, value));
    const first = scene.origin[0];
    state.slice = within(slice, first, first + scene.size[0] - 1);
    state.k = within(Math.round(k), map.floor, scene.grid - 1);
    if (!waiting) {
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        redraw();
      });
    }
  }

  function redraw() {
    ViewerPicture.draw(canvas, state, {
      box: wide ? wholeBox(state.scene) : state.box, shaded });
    tell();
    handle();
    if (!state.pictures.has(state.slice)) load(state, state.slice);
  }

  async function load(shown, slice) {
    shown.pictures.set(slice, null);
    const picture = await D.picture(shown.scene, slice);
    shown.pictures.set(slice, picture);
    if (picture && state.pictures === shown.pictures) show(state.slice, state.k);
  }

  function failed(error) {
    const place = get("failed");
    place.textContent = typeof DecompressionStream === "undefined"
      ? "This browser is too old for the viewer; one of 2023 or later shows it."
      : `The viewer cannot read its data: ${error.message}`;
    place.hidden = false;
  }

  let said = 0;
  function announce() {
    clearTimeout(said);
    said = setTimeout(() => {
      get("status").textContent = `Slice ${state.slice}, threshold`
        + ` ${number(state.k)}, Dice of the patient ${score(state.found.dice(state.k))}`;
    }, 600);
  }

  const moves = {
    ArrowUp: () => [1, 0], ArrowDown: () => [-1, 0],
    PageUp: () => [5, 0], PageDown: () => [-5, 0],
    ArrowLeft: (fine) => [0, fine ? -1 : -10],
    ArrowRight: (fine) => [0, fine ? 1 : 10],
  };

  function key(event) {
    if (!state || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Home") {
      show(state.slice, state.map.threshold);
    } else if (moves[event.key]) {
      const [slices, thousandths] = moves[event.key](event.shiftKey);
      const steps = Math.sign(thousandths) * Math.max(
        1, Math.round((Math.abs(thousandths) * (state.scene.grid - 1)) / 1000));
      show(state.slice + slices, state.k + (thousandths ? steps : 0));
    } else {
      return;
    }
    event.preventDefault();
    announce();
  }

  // A turn of the wheel that began on the page goes on scrolling the page.
  let turned = 0;
  function wheel(event) {
    if (!state || event.ctrlKey) return;
    const now = performance.now();
    if (event.target !== canvas) {
      turned = now;
    } else if (now - turned < 300) {
      turned = now;
    } else {
      event.preventDefault();
      wheel.rest = (wheel.rest || 0) + event.deltaY * (event.deltaMode ? 40 : 1);
      const slices = Math.trunc(wheel.rest / 40);
      wheel.rest -= 40 * slices;
      if (slices) show(state.slice - Math.sign(slices), state.k);
    }
  }

  function drag(place, move) {
    let from = null;
    place.addEventListener("pointerdown", (event) => {
      if (!state || event.button) return;
      place.setPointerCapture(event.pointerId);
      from = { x: event.clientX, slice: state.slice };
      move(event, from);
    });
    place.addEventListener("pointermove", (event) => {
      if (from) move(event, from);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      place.addEventListener(name, () => { from = null; });
    }
  }

  function listen() {
    const at = (id, name, act) => get(id).addEventListener(name, act);
    at("slice", "input", (e) => show(Number(e.target.value), state.k));
    at("threshold", "input", (e) => show(state.slice, Number(e.target.value)));
    at("down", "click", () => show(state.slice - 1, state.k));
    at("up", "click", () => show(state.slice + 1, state.k));
    at("to-own", "click", () => show(state.slice, state.map.threshold));
    at("to-half", "click", () => show(state.slice, (state.scene.grid - 1) / 2));
    at("wide", "click", (e) => {
      wide = !wide;
      e.target.setAttribute("aria-pressed", wide);
      show(state.slice, state.k);
    });
    at("shade", "click", (e) => {
      shaded = !shaded;
      e.target.setAttribute("aria-pressed", shaded);
      show(state.slice, state.k);
    });
    canvas.addEventListener("keydown", key);
    document.addEventListener("wheel", wheel, { passive: false });
    drag(canvas, (event, from) =>
      show(from.slice + Math.round((event.clientX - from.x) / 12), state.k));
    drag(get("chart"), (event) => {
      const box = get("chart").getBoundingClientRect();
      const x = ((event.clientX - box.left) * 360) / box.width;
      show(state.slice, ((x - 34) / 316) * (state.scene.grid - 1));
    });
    new ResizeObserver(() => show(state.slice, state.k)).observe(canvas);
  }

  if (scenes.length) {
    open(scenes[0], scenes[0].maps[0]).then(() => {
      get("body").hidden = false;
      listen();
    }).catch(failed);
  }
})();
