"use strict";

(() => {
  const D = ViewerData;
  const N = ViewerNumbers;
  const get = (id) => document.getElementById(`viewer-${id}`);
  const { scenes } = JSON.parse(get("data").textContent);
  const canvas = get("canvas");
  const words = { objective: "Trained on", seed: "Seed",
    negatives: "Slices without the organ" };
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
    state.box = same ? before.box : D.close(state);
    if (!same) state.slice = D.largest(state);
    selects();
    controls();
    curves();
    show(state.slice, state.k);
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
    if (labels.size > 1) {
      rows.push(["structure", "Structure", labels, scene.structure]);
    }
    const patients = new Map(
      scenes.filter((s) => s.structure === scene.structure).map((s) => [
        s.role, `${s.patient}: ${s.role} of ${s.patients}`]));
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
    get("own-at").textContent = N.at(state, map.threshold);
    get("left").textContent = scene.sides[0];
    get("top").textContent = scene.sides[1];
    get("all").textContent = `all ${scene.patients}, together`;
    get("all").parentElement.hidden = scene.patients < 2;
    get("strip").setAttribute("viewBox", `${first} 0 ${count} 2`);
    get("distance-row").hidden = !map.cuts.length;
    const always = [];
    if (!state.truth.place.length) {
      always.push("The reference of this patient is empty.");
    }
    if (map.floor > (scene.grid - 1) / 100) {
      always.push("This map is large below a threshold of"
        + ` ${N.at(state, map.floor)}; it is shown from there on.`);
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

  function put(id, value, text) {
    const place = get(id);
    place.dataset.value = value;
    place.textContent = text;
  }

  function tell() {
    const { scene, map, truth, found, slice, k } = state;
    const t = N.at(state, k);
    const here = D.slice(scene, found, truth, slice);
    const dice = D.dice(here, here.voxels, k);
    put("dice-slice", dice, Number.isNaN(dice) ? "neither here" : N.score(dice));
    put("dice", found.dice(k), N.score(found.dice(k)));
    const apart = D.distance(map, scene.grid, k);
    if (apart) {
      put("distance", apart.mm, N.distance(apart));
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
      `slice ${slice}, Dice ${N.score(dice)}`);
    get("threshold").setAttribute("aria-valuetext",
      `${t}, Dice of this patient ${N.score(found.dice(k))}`);
    cost();
    notes();
    const model = Object.entries(map.choices).filter(([name]) =>
      name === "objective" || scene.maps.some((m) => m.choices[name] !== map.choices[name]))
      .map(([name, value]) => (name === "objective" ? value : `${words[name] || name} ${value}`));
    get("where").textContent =
      [scene.label, scene.patient, ...model].filter(Boolean).join(" · ")
      + `\nslice ${slice}`;
    canvas.setAttribute("aria-label", `${scene.label} ${scene.patient}, slice`
      + ` ${slice}, cut at ${t}: Dice of the slice ${N.score(dice)}`);
  }

  function cost() {
    const { found, k } = state;
    const place = get("cost");
    const lost = N.loss(state, found.dice, k);
    Object.assign(place.dataset, {
      patient: lost, cohort: N.loss(state, N.cohort(state), k) });
    const [before, large, behind] = N.cost(state);
    const big = document.createElement("b");
    big.textContent = large;
    big.className = lost > 0 ? "viewer-loss" : "";
    place.replaceChildren(before, big, behind);
  }

  function notes() {
    const { scene, truth, slice } = state;
    const parts = [...state.always];
    if (!truth.known[slice]) {
      parts.push("This slice does not count: the contours do not say whether"
        + " the structure goes on here.");
    }
    const beyond = state.found.beyond[state.k];
    if (beyond) {
      parts.push(`${beyond} voxels of this cut lie beyond the picture; they`
        + " count.");
    }
    get("note").textContent = parts.join(" ");
  }

  function curves() {
    const { map, found } = state;
    get("patient").setAttribute("d", N.curve(state, found.dice));
    get("cohort").setAttribute("d",
      state.scene.patients < 2 ? "" : N.curve(state, N.cohort(state)));
    get("chosen").setAttribute("d", `M${N.x(state, map.threshold)} 10V140`);
  }

  function handle() {
    const { map, found, k } = state;
    const [x, y] = [N.x(state, k), N.y(found.dice(k) || 0)];
    get("handle").setAttribute("cx", x);
    get("handle").setAttribute("cy", y);
    const own = found.dice(map.threshold);
    get("lost").setAttribute("d",
      own >= 0 && k !== map.threshold ? `M${x} ${N.y(own)}V${y}` : "");
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
      box: wide ? D.whole(state.scene) : state.box, shaded });
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
        + ` ${N.at(state, state.k)}, Dice of the patient ${N.score(state.found.dice(state.k))}`;
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
  let turned = -Infinity;
  let turn = 0;
  function wheel(event) {
    if (!state || event.ctrlKey) return;
    const now = performance.now();
    if (event.target !== canvas) {
      turned = now;
    } else if (now - turned < 300) {
      turned = now;
    } else {
      event.preventDefault();
      turn += event.deltaY * (event.deltaMode ? 40 : 1);
      const slices = Math.trunc(turn / 40);
      turn -= 40 * slices;
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
