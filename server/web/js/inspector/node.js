/** The panel of a node: its words, ports, meters, latency over time, and its settings to change while it runs. */

import { Chart } from "./chart.js";
import { el, mark, ms, rate, say, tint } from "./dom.js";
import { settingsForm } from "./form.js";
import { quantile } from "./store.js";

const LATELY_S = 30;

export class NodePanel {
  #rows = new Map();
  #chart = null;

  constructor(store, name, { open, apply }) {
    this.store = store;
    this.name = name;
    this.node = store.node(name);
    this.kind = store.plan.kinds[this.node.kind];
    this.element = el("div", { class: "panel" }, ...this.#parts(open, apply));
    this.update();
  }

  #parts(open, apply) {
    const { node, kind } = this;
    this.lamp = el("span", { class: "lamp" });
    this.state = el("span", { class: "state-word", role: "status" });
    this.reason = el("p", { class: "reason", hidden: true });
    const facts = ["runs: " + node.runs, `lane: ${node.lane}`, `on error: ${node.on_error}`, node.fallback && `fallback: ${node.fallback}`, node.adapter && "put in by the compiler"];
    this.#chart = new Chart([{ label: "each", tone: "soft" }, { label: "p50 of 10 s", tone: "brand" }, { label: "p95 of 10 s", tone: "warm" }]);
    return [
      el("p", { class: "about" }, el("code", {}, node.kind), ...facts.filter(Boolean).map((fact) => el("span", { class: "chip" }, fact))),
      el("p", { class: "now" }, this.lamp, this.state), this.reason,
      el("pre", { class: "doc" }, kind.doc),
      section("Ports", this.#ports(open)),
      section("Meters", this.#meters()),
      section("Time per frame, ms", this.#chart.element),
      section("Settings", settingsForm(kind.schema, node.settings, (patch, note) => apply(node.name, patch, note))),
    ];
  }

  #ports(open) {
    const list = el("ul", { class: "ports" });
    const add = (port, side, edges) => {
      const links = edges.map((edge) =>
        el("button", { type: "button", class: "link", onclick: () => open({ edge: edge.name }) }, side === "in" ? edge.source : edge.target),
      );
      const free = edges.length ? [] : [el("span", { class: "soft" }, port.optional ? "not used" : "–")];
      list.append(el("li", {}, el("i", { class: `dot ${tint(port.frame)}` }), el("span", {}, `${side === "in" ? "→" : "←"} ${port.told}`), el("span", { class: "links" }, ...links, ...free)));
    };
    const { edges } = this.store.plan;
    for (const port of this.node.inputs) add(port, "in", edges.filter((e) => e.target === this.name && e.target_port === port.name));
    for (const port of this.node.outputs) add(port, "out", edges.filter((e) => e.source === this.name && e.source_port === port.name));
    return list;
  }

  #meters() {
    const list = el("dl", { class: "figures" });
    for (const name of ["frames taken", "sent", "per second", "last", "p50 / p95", "slowest step", "steps over 10 ms", "errors", "restarts"]) {
      const value = el("dd", {}, "–");
      this.#rows.set(name, value);
      list.append(el("div", {}, el("dt", {}, name), value));
    }
    return list;
  }

  update() {
    const meters = this.store.nodes.get(this.name);
    if (!meters) {
      say(this.state, "a stand-in: it waits for the node it stands in for to fail");
      return;
    }
    mark(this.lamp, "data-state", meters.state);
    say(this.state, meters.stand_in ? `${meters.state}; ${meters.stand_in} stands in` : meters.state);
    this.reason.hidden = !meters.error;
    say(this.reason, meters.error ?? "");
    const past = this.store.history.get(this.name) ?? [];
    const since = (past.at(-1)?.[0] ?? 0) - LATELY_S;
    const lately = past.filter(([at]) => at > since).map(([, value]) => value);
    const figures = {
      "frames taken": meters.frames, sent: meters.sent, "per second": rate(meters.rate), last: ms(meters.latency),
      "p50 / p95": lately.length ? `${ms(quantile(lately, 0.5))} / ${ms(quantile(lately, 0.95))}` : "–",
      "slowest step": ms(meters.slowest_ms), "steps over 10 ms": meters.slow, errors: meters.errors, restarts: meters.restarts,
    };
    for (const [name, value] of Object.entries(figures)) say(this.#rows.get(name), String(value ?? "–"));
    this.#chart.show(past);
  }

  close() {
    this.#chart.close();
  }
}

function section(title, ...content) {
  return el("section", {}, el("h3", {}, title), ...content);
}
