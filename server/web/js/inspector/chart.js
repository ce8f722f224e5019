/** Latency over time: every beat, and the quantiles of the ten seconds before it, drawn by uPlot. */

import uPlot from "../../vendor/uplot.js";
import { el } from "./dom.js";
import { quantile } from "./store.js";

const WINDOW_S = 10;
const EVERY_MS = 500; // more often nobody sees
const SHOWN = 600; // points

export class Chart {
  #plot = null;
  #last = 0;

  constructor(series) {
    this.element = el("div", { class: "chart", role: "img", "aria-label": "Time per frame over the last minutes" });
    this.series = series;
    this.resizing = new ResizeObserver(() => this.#plot?.setSize(this.#size()));
    this.resizing.observe(this.element);
  }

  /** `past`: [[at s, ms]]. */
  show(past) {
    const now = performance.now();
    if (now - this.#last < EVERY_MS || !this.element.isConnected || past.length < 2) return;
    this.#last = now;
    const data = lines(past.slice(-SHOWN));
    if (this.#plot) this.#plot.setData(data);
    else this.#plot = new uPlot(this.#options(), data, this.element);
  }

  close() {
    this.resizing.disconnect();
    this.#plot?.destroy();
  }

  #size() {
    return { width: Math.max(this.element.clientWidth, 120), height: 130 };
  }

  #options() {
    const style = getComputedStyle(document.documentElement);
    const tone = (name) => style.getPropertyValue(`--${name}`).trim();
    const tones = { soft: tone("line-strong"), brand: tone("brand"), warm: tone("warm-line") };
    const axis = { stroke: tone("ink-soft"), grid: { stroke: tone("line"), width: 1 }, ticks: { show: false }, font: "11px system-ui", size: 34 };
    return {
      ...this.#size(),
      cursor: { drag: { x: false, y: false } },
      legend: { live: false },
      scales: { x: { time: false }, y: { range: (_, __, most) => [0, Math.max(most, 0.01) * 1.1] } },
      axes: [{ ...axis, size: 22, values: (u, ticks) => ticks.map((t) => `${Math.round(t - u.data[0].at(-1))} s`) }, { ...axis, size: 40 }],
      series: [{}, ...this.series.map(({ label, tone: name }) => ({ label, stroke: tones[name], width: name === "soft" ? 1 : 1.6, points: { show: false } }))],
    };
  }
}

function lines(past) {
  const [x, y, p50, p95] = [[], [], [], []];
  let first = 0;
  past.forEach(([at, value], i) => {
    while (past[first][0] < at - WINDOW_S) first += 1;
    const window = past.slice(first, i + 1).map(([, one]) => one);
    x.push(at);
    y.push(value);
    p50.push(quantile(window, 0.5));
    p95.push(quantile(window, 0.95));
  });
  return [x, y, p50, p95];
}
