"use strict";

// What the viewer reads of a scene: packed text to voxels, voxels to Dice.
const ViewerData = (() => {
  // Of the picture about the reference in the close-up, mm.
  const CLOSE_MM = 14;

  function bytesOf(text) {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  }

  async function unpacked(text) {
    const zipped = new Blob([bytesOf(text)]).stream();
    const plain = zipped.pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(plain).arrayBuffer());
  }

  // Indices of runs, which lie as gap, length, gap, length ... in LEB128.
  function indices(bytes) {
    const numbers = [];
    let number = 0;
    let scale = 1;
    for (const byte of bytes) {
      number += (byte & 127) * scale;
      scale *= 128;
      if (byte < 128) {
        numbers.push(number);
        number = 0;
        scale = 1;
      }
    }
    let total = 0;
    for (let i = 1; i < numbers.length; i += 2) total += numbers[i];
    const found = new Uint32Array(total);
    let at = 0;
    let index = 0;
    for (let i = 0; i < numbers.length; i += 2) {
      index += numbers[i];
      for (let n = numbers[i + 1]; n > 0; n--) found[at++] = index++;
    }
    return found;
  }

  // Where each slice begins among ascending indices.
  function beginnings(place, slices, area) {
    const begin = new Uint32Array(slices + 1);
    let at = 0;
    for (let k = 0; k <= slices; k++) {
      while (at < place.length && place[at] < k * area) at++;
      begin[k] = at;
    }
    return begin;
  }

  async function reference(scene) {
    const [slices, rows, columns] = scene.shape;
    const place = indices(await unpacked(scene.reference));
    const known = new Uint8Array(slices);
    for (const k of indices(await unpacked(scene.known))) known[k] = 1;
    const begin = beginnings(place, slices, rows * columns);
    let voxels = 0;
    for (let k = 0; k < slices; k++) {
      if (known[k]) voxels += begin[k + 1] - begin[k];
    }
    return { place, begin, known, voxels };
  }

  // The map's voxels, and at each threshold how many of them are inside, and
  // inside of the reference as well.
  async function map(scene, packed, truth) {
    const [slices, rows, columns] = scene.shape;
    const bytes = await unpacked(packed.voxels);
    const head = new DataView(bytes.buffer);
    const [length, count] = [head.getUint32(0, true), head.getUint32(4, true)];
    const place = indices(bytes.subarray(8, 8 + length));
    const level = new Uint32Array(count);
    // A byte of all levels, then the next higher one of all.
    for (let i = 8 + length, at = 0, scale = 1; i < bytes.length; i++) {
      level[at++] += scale * bytes[i];
      if (at === count) [at, scale] = [0, 256 * scale];
    }
    const begin = beginnings(place, slices, rows * columns);
    const found = { place, level, begin, highest: new Uint32Array(slices) };
    const total = { all: tally(scene), both: tally(scene) };
    const beyond = tally(scene);
    for (let k = 0; k < slices; k++) {
      for (let i = begin[k]; i < begin[k + 1]; i++) {
        found.highest[k] = Math.max(found.highest[k], level[i]);
        if (truth.known[k]) beyond[level[i]] += outside(scene, place[i]);
      }
      if (truth.known[k]) add(total, found, truth, k);
    }
    const cohort = await unpacked(packed.cohort);
    found.cohort = new Float32Array(cohort.buffer);
    found.beyond = above(beyond);
    return Object.assign(found, summed(total));
  }

  function tally(scene) {
    return new Float64Array(scene.grid + 1);
  }

  function add(total, found, truth, k) {
    let j = truth.begin[k];
    for (let i = found.begin[k]; i < found.begin[k + 1]; i++) {
      total.all[found.level[i]]++;
      while (j < truth.begin[k + 1] && truth.place[j] < found.place[i]) j++;
      if (j < truth.begin[k + 1] && truth.place[j] === found.place[i]) {
        total.both[found.level[i]]++;
      }
    }
  }

  // From how many voxels have each level to how many lie above it.
  function above(one) {
    for (let k = one.length - 2; k >= 0; k--) one[k] += one[k + 1];
    // What reaches more than k thresholds reaches the one of index k.
    return one.subarray(1);
  }

  function summed({ all, both }) {
    return { all: above(all), both: above(both) };
  }

  function slice(scene, found, truth, k) {
    const total = { all: tally(scene), both: tally(scene) };
    add(total, found, truth, k);
    const voxels = truth.begin[k + 1] - truth.begin[k];
    return Object.assign(summed(total), { voxels });
  }

  // NaN where neither mask has a voxel.
  function dice(counts, voxels, k) {
    return (2 * counts.both[k]) / (counts.all[k] + voxels);
  }

  // The distance at the nearest threshold that has one.
  function distance(packed, grid, k) {
    const t = k / (grid - 1);
    let best = -1;
    packed.cuts.forEach((cut, i) => {
      if (best < 0 || Math.abs(cut - t) < Math.abs(packed.cuts[best] - t)) {
        best = i;
      }
    });
    if (best < 0) return null;
    const cut = packed.cuts[best];
    return { mm: packed.hd95[best], cut, exact: Math.abs(cut - t) < 1e-6 };
  }

  async function picture(scene, k) {
    const at = k - scene.origin[0];
    if (!scene.images || at < 0 || at >= scene.images.length) return null;
    const options = { type: "image/jpeg" };
    return createImageBitmap(new Blob([bytesOf(scene.images[at])], options));
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
    const all = whole(scene);
    if (!truth.place.length) return all;
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
    return [...fit(grown(r0, r1, y), all[0], all[1]),
      ...fit(grown(c0, c1, x), all[2], all[3])];
  }

  // Rows and columns of the picture.
  function whole({ origin, size }) {
    return [origin[1], origin[1] + size[1], origin[2], origin[2] + size[2]];
  }

  // Whether a voxel is in no slice of the picture.
  function outside(scene, index) {
    const [, rows, columns] = scene.shape;
    const [r0, r1, c0, c1] = whole(scene);
    const r = Math.floor(index / columns) % rows;
    const c = index % columns;
    const s = Math.floor(index / (rows * columns)) - scene.origin[0];
    const shown = r >= r0 && r < r1 && c >= c0 && c < c1;
    return !shown || s < 0 || s >= scene.size[0];
  }

  return { reference, map, slice, dice, distance, picture, largest, close, whole };
})();
