"use strict";

// A slice with its contours, which run along the edges of voxels.
const ViewerPicture = (() => {
  const REFERENCE = "#f0e442";
  const NOW = "#56b4e9";
  const OWN = "#ff8a3c";
  const HALO = "#000000b0"; // About each line, for it to stand out on bone.

  function draw(canvas, state, { box, shaded }) {
    const ratio = window.devicePixelRatio || 1;
    const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
    const height = Math.max(1, Math.round(canvas.clientHeight * ratio));
    if (canvas.width !== width || canvas.height !== height) {
      Object.assign(canvas, { width, height });
    }
    const context = canvas.getContext("2d");
    const view = fitted(state.scene, box, width, height);
    context.fillStyle = "#000";
    context.fillRect(0, 0, width, height);
    const levels = spread(state);
    behind(context, view, state, levels);
    const { k, map } = state;
    const across = state.scene.shape[2];
    const now = (i) => levels.map[i] > k;
    const own = (i) => levels.map[i] > map.threshold;
    const truth = (i) => levels.truth[i] === 1;
    if (shaded) {
      shade(context, view, across, levels, (i) => now(i) && !truth(i), `${NOW}70`);
      shade(context, view, across, levels, (i) => truth(i) && !now(i), `${REFERENCE}70`);
    }
    const lines = [[truth, REFERENCE, 3.2, []], [now, NOW, 1.9, []]];
    if (k !== map.threshold) {
      lines.splice(1, 0, [own, OWN, 1.7, [3 * ratio, 3 * ratio]]);
    }
    for (const [inside, color, width, dash] of lines) {
      const path = outline(view, across, levels, inside);
      stroke(context, path, HALO, (width + 1.6) * ratio, []);
      stroke(context, path, color, width * ratio, dash);
    }
  }

  // From rows and columns to pixels, as large as fits, in true proportions.
  function fitted(scene, box, width, height) {
    const [, y, x] = scene.spacing;
    const [r0, r1, c0, c1] = box;
    const scale = Math.min(width / ((c1 - c0) * x), height / ((r1 - r0) * y));
    const [dx, dy] = [x * scale, y * scale];
    const left = (width - (c1 - c0) * dx) / 2 - c0 * dx;
    const top = (height - (r1 - r0) * dy) / 2 - r0 * dy;
    return { dx, dy, left, top };
  }

  // One slice's levels and reference, a value for each pixel.
  function spread({ scene, found, truth, slice }) {
    const [, rows, columns] = scene.shape;
    const area = rows * columns;
    const map = new Uint32Array(area);
    const mask = new Uint8Array(area);
    // Rows and columns with a voxel of either; no other has a contour.
    const used = [rows, 0, columns, 0];
    const use = (index) => {
      const r = Math.floor(index / columns);
      const c = index % columns;
      used[0] = Math.min(used[0], r);
      used[1] = Math.max(used[1], r + 1);
      used[2] = Math.min(used[2], c);
      used[3] = Math.max(used[3], c + 1);
      return index;
    };
    for (let i = found.begin[slice]; i < found.begin[slice + 1]; i++) {
      map[use(found.place[i] - slice * area)] = found.level[i];
    }
    for (let i = truth.begin[slice]; i < truth.begin[slice + 1]; i++) {
      mask[use(truth.place[i] - slice * area)] = 1;
    }
    return { map, truth: mask, used };
  }

  function behind(context, { dx, dy, left, top }, state, levels) {
    const { scene, pictures, slice } = state;
    const [, rows, columns] = scene.shape;
    const [, r0, c0] = scene.origin;
    const [, height, width] = scene.size;
    const to = [left + c0 * dx, top + r0 * dy, width * dx, height * dy];
    const picture = pictures.get(slice);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    if (picture) {
      context.drawImage(picture, ...to);
    } else if (!scene.images) { // The map itself, in grey.
      const small = new OffscreenCanvas(columns, rows);
      const grey = new ImageData(columns, rows);
      for (let i = 0; i < rows * columns; i++) {
        grey.data.fill((150 * levels.map[i]) / scene.grid, 4 * i, 4 * i + 3);
        grey.data[4 * i + 3] = 255;
      }
      small.getContext("2d").putImageData(grey, 0, 0);
      context.imageSmoothingEnabled = false;
      context.drawImage(small, left, top, columns * dx, rows * dy);
    }
  }

  function shade(context, { dx, dy, left, top }, across, levels, inside, color) {
    const [r0, r1, c0, c1] = levels.used;
    context.fillStyle = color;
    for (let r = r0; r < r1; r++) {
      for (let c = c0; c < c1; c++) {
        if (!inside(r * across + c)) continue;
        let end = c + 1;
        while (end < c1 && inside(r * across + end)) end++;
        context.fillRect(left + c * dx, top + r * dy, (end - c) * dx, dy);
        c = end;
      }
    }
  }

  function outline(view, across, levels, inside) {
    const { dx, dy, left, top } = view;
    const [r0, r1, c0, c1] = levels.used;
    const at = (r, c) =>
      r >= r0 && r < r1 && c >= c0 && c < c1 && inside(r * across + c);
    const path = new Path2D();
    for (let r = r0; r <= r1; r++) {
      for (let c = c0; c < c1; c++) {
        if (at(r, c) === at(r - 1, c)) continue;
        let end = c + 1;
        while (end < c1 && at(r, end) !== at(r - 1, end)) end++;
        path.moveTo(left + c * dx, top + r * dy);
        path.lineTo(left + end * dx, top + r * dy);
        c = end;
      }
    }
    for (let c = c0; c <= c1; c++) {
      for (let r = r0; r < r1; r++) {
        if (at(r, c) === at(r, c - 1)) continue;
        let end = r + 1;
        while (end < r1 && at(end, c) !== at(end, c - 1)) end++;
        path.moveTo(left + c * dx, top + r * dy);
        path.lineTo(left + c * dx, top + end * dy);
        r = end;
      }
    }
    return path;
  }

  function stroke(context, path, color, width, dash) {
    Object.assign(context, { strokeStyle: color, lineWidth: width,
      lineCap: dash.length ? "butt" : "square" });
    context.setLineDash(dash);
    context.stroke(path);
  }

  return { draw };
})();
