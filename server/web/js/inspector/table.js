/** The graph as two tables: everything the drawing shows, for those who cannot or will not look at it. */

import { el, ms, rate, say } from "./dom.js";

const NODES = ["node", "kind", "state", "lane", "runs", "per frame", "per second", "errors", "why"];
const EDGES = ["edge", "carries", "per second", "queued", "most", "dropped", "stale", "policy"];

export class Table {
  #rows = new Map();

  constructor(root, store, open) {
    this.root = root;
    this.store = store;
    this.open = open;
    this.box = el("div", { class: "scroll" });
    root.append(this.box);
    store.addEventListener("plan", () => this.#draw());
    store.addEventListener("session", () => this.box.replaceChildren());
    store.addEventListener("meters", () => root.hidden || this.#update());
  }

  #draw() {
    this.#rows.clear();
    const { plan } = this.store;
    this.box.replaceChildren(
      this.#table("Nodes", NODES, plan.nodes.map((node) => ["node", node.name])),
      this.#table("Edges", EDGES, plan.edges.map((edge) => ["edge", edge.name])),
    );
    this.#update();
  }

  #table(caption, heads, rows) {
    const body = rows.map(([what, name]) => {
      const cells = heads.slice(1).map(() => el("td"));
      this.#rows.set(`${what} ${name}`, cells);
      const button = el("button", { type: "button", class: "link", onclick: () => this.open({ [what]: name }) }, name);
      return el("tr", {}, el("th", { scope: "row" }, button), ...cells);
    });
    return el("table", { class: "log" }, el("caption", {}, caption), el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, ...body));
  }

  #update() {
    for (const node of this.store.plan?.nodes ?? []) {
      const m = this.store.nodes.get(node.name) ?? {};
      this.#fill(`node ${node.name}`, [node.kind, m.state ?? "stand-in", node.lane, node.runs, ms(m.latency), rate(m.rate), m.errors, m.error]);
    }
    for (const edge of this.store.plan?.edges ?? []) {
      const m = this.store.edges.get(edge.name) ?? {};
      const carries = edge.rate ? `${edge.frame} ${edge.rate / 1000} kHz` : edge.frame;
      this.#fill(`edge ${edge.name}`, [carries, rate(m.rate), m.depth, m.high, m.dropped, m.stale, edge.policy]);
    }
  }

  #fill(key, values) {
    this.#rows.get(key)?.forEach((cell, i) => say(cell, String(values[i] ?? "")));
  }
}
