/* Draws the charts of the page with plotly.js: colours of light and dark,
   legends that are buttons, values by arrow keys, and light colours in print.
   What is drawn stands in the page as JSON, one block a chart. */
"use strict";
(() => {
  const STEP = 0.01; // Of arrow keys along a threshold.
  const palette = JSON.parse(document.getElementById("dark-colours").textContent);
  const isDark = matchMedia("(prefers-color-scheme: dark)");
  const isCoarse = matchMedia("(pointer: coarse)").matches;
  const plots = [];
  let printing = false;

  const dark = () => isDark.matches && !printing;
  const themed = (json) =>
    JSON.parse(json, (_, value) =>
      dark() && typeof value === "string" ? palette[value] ?? value : value);
  const colour = (light) => (dark() ? palette[light] : light);
  const plain = (text) => {
    const box = document.createElement("textarea");
    box.innerHTML = text; // A textarea holds text alone: entities are decoded.
    return box.value;
  };

  const axis = (own) => ({
    gridcolor: colour("#e3e3e3"), linecolor: colour("#6b6b6b"),
    zerolinecolor: colour("#e3e3e3"), tickcolor: colour("#6b6b6b"),
    ticks: "outside", ticklen: 4, showline: true, zeroline: false,
    fixedrange: isCoarse, automargin: true, ...own,
    title: { standoff: 6, ...own?.title },
  });

  function layout(own) {
    return {
      ...own,
      autosize: true, showlegend: false, dragmode: isCoarse ? false : "zoom",
      margin: { l: 50, r: 14, t: 8, b: 44 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: {
        family: getComputedStyle(document.body).fontFamily, size: 12,
        color: colour("#222222"),
      },
      hoverlabel: {
        bgcolor: colour("#ffffff"), bordercolor: colour("#6b6b6b"),
        font: { color: colour("#222222"), size: 12 }, namelength: -1,
      },
      xaxis: axis(own.xaxis), yaxis: axis(own.yaxis),
    };
  }

  const off = (chart) => new Set(
    [...chart.querySelectorAll("button[aria-pressed=false]")]
      .map((button) => button.dataset.group));

  function draw(plot) {
    const { traces, layout: told } = themed(plot.json);
    const own = layout(told);
    if (printing) {
      Object.assign(own, { autosize: false, width: plot.wide ? 670 : 330 });
    }
    const hidden = off(plot.chart);
    for (const trace of traces) {
      trace.visible = !trace.meta.some((group) => hidden.has(group));
    }
    plot.traces = traces;
    plot.drawn = true;
    return Plotly.react(plot.node, traces, own, {
      displayModeBar: false, responsive: true,
    });
  }

  /* What arrow keys step through: thresholds where lines share them, else
     points, from left to right. Each stop has the points that it shows. */
  function stops(plot) {
    const shown = plot.traces
      .map((trace, curve) => ({ trace, curve }))
      .filter(({ trace }) => trace.visible && trace.hoverinfo !== "skip");
    const lines = shown
      .filter(({ trace }) => trace.mode.includes("lines"))
      .sort((a, b) => a.trace.meta.length - b.trace.meta.length);
    if (!lines.length) {
      return shown.flatMap(({ trace, curve }) => trace.x.map((x, point) => ({
        x, points: [{ curveNumber: curve, pointNumber: point }],
        said: plain((trace.hovertext ?? trace.text ?? [])[point] ?? ""),
      }))).sort((a, b) => a.x - b.x);
    }
    const places = new Map();
    for (const { trace, curve } of lines) {
      trace.x.forEach((x, point) => {
        if (x === null || trace.y[point] === null) return;
        const key = Math.round(x / STEP);
        if (trace.x.length > 200 && Math.abs(x - key * STEP) > STEP / 20) return;
        const stop = places.get(key) ?? { x: key * STEP, points: [], parts: [] };
        if (stop.points.some((other) => other.curveNumber === curve)) return;
        stop.points.push({ curveNumber: curve, pointNumber: point });
        const value = (trace.customdata ?? trace.y)[point];
        stop.parts.push(`${plain(trace.name)} ${Number(value.toPrecision(3))}`);
        places.set(key, stop);
      });
    }
    const along = plain(plot.node.layout.xaxis.title?.text ?? "");
    const found = [...places.values()].sort((a, b) => a.x - b.x);
    for (const stop of found) {
      stop.said = `${along} ${stop.x.toFixed(2)}: ${stop.parts.join("; ")}`;
    }
    return found;
  }

  function step(plot, key) {
    const all = stops(plot);
    if (!all.length) return;
    const last = all.length - 1;
    const middle = all.findIndex((stop) => stop.x >= 0.5);
    const from = plot.at ?? (key === "ArrowLeft" ? middle + 1 : middle - 1);
    const to = {
      ArrowLeft: from - 1, ArrowRight: from + 1,
      PageDown: from - 10, PageUp: from + 10, Home: 0, End: last,
    }[key];
    plot.at = Math.max(0, Math.min(last, to));
    const stop = all[plot.at];
    Plotly.Fx.hover(plot.node, stop.points);
    plot.readout.textContent = stop.said;
  }

  function listen(plot) {
    plot.node.addEventListener("keydown", (event) => {
      const keys = ["ArrowLeft", "ArrowRight", "PageUp", "PageDown", "Home", "End"];
      if (event.key === "Escape") {
        Plotly.Fx.unhover(plot.node);
        plot.readout.textContent = "";
      }
      if (!keys.includes(event.key) || !plot.drawn) return;
      event.preventDefault();
      step(plot, event.key);
    });
  }

  for (const chart of document.querySelectorAll("figure.chart")) {
    const told = JSON.parse(chart.querySelector("script").textContent);
    chart.querySelectorAll(".plot").forEach((node, place) => {
      const plot = {
        chart, node, json: JSON.stringify(told.panels[place]),
        wide: node.parentNode.classList.contains("wide"),
        at: null, drawn: false,
        readout: chart.querySelector(".readout"),
      };
      plots.push(plot);
      listen(plot);
    });
    for (const button of chart.querySelectorAll("button[data-group]")) {
      button.addEventListener("click", () => {
        const on = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", String(on));
        for (const plot of plots) {
          if (plot.chart !== chart) continue;
          plot.at = null;
          if (plot.drawn) draw(plot);
        }
      });
    }
  }

  /* One panel at a time, so that the page answers meanwhile. */
  const waiting = [...plots];
  async function next() {
    const plot = waiting.shift();
    if (!plot) {
      document.documentElement.dataset.charts = "drawn";
      return;
    }
    if (!plot.drawn) await draw(plot);
    setTimeout(next);
  }
  const again = () => plots.filter((plot) => plot.drawn).forEach(draw);

  isDark.addEventListener("change", again);
  addEventListener("beforeprint", () => {
    printing = true;
    plots.forEach(draw);
  });
  addEventListener("afterprint", () => {
    printing = false;
    again();
  });
  next();
})();
