/** The running graph: nodes with state and latency, edges with rate, depth and drops, and the keys to walk through. */

import { mark, ms, rate, say, svg, tint } from "./dom.js";
import { arrange, neighbour, WIDTH } from "./layout.js";
import { View } from "./view.js";

const FIT = { width: 400, height: 200 };

export class Graph {
  #places = null;
  #nodes = new Map(); // name -> elements
  #edges = new Map();
  #at = null; // the node that Tab goes to
  #chosen = null;

  constructor(root, store, open) {
    this.root = root;
    this.store = store;
    this.open = open; // open({node} or {edge})
    this.canvas = svg("g", { class: "canvas" });
    root.append(this.canvas);
    this.view = new View(root, this.canvas);
    root.addEventListener("keydown", (event) => this.#key(event));
    root.addEventListener("focusin", (event) => this.#focused(event));
    store.addEventListener("plan", () => this.draw());
    store.addEventListener("session", () => this.clear());
    store.addEventListener("meters", () => this.update());
  }

  clear() {
    this.canvas.replaceChildren();
    this.#nodes.clear();
    this.#edges.clear();
    this.#places = this.#at = null;
  }

  draw() {
    this.clear();
    const { plan } = this.store;
    this.#places = arrange(plan);
    const wires = svg("g", { class: "wires" });
    const labels = svg("g", { class: "labels" });
    for (const edge of plan.edges) {
      const { path, middle } = this.#places.edges.get(edge.name);
      const line = svg("path", { class: "wire", d: path });
      const group = svg(
        "g", { class: `edge ${tint(edge.frame)}`, "data-edge": edge.name, "data-feedback": edge.feedback || null },
        svg("title", {}, edge.name), svg("path", { class: "grip", d: path }), line,
      );
      group.addEventListener("click", () => this.open({ edge: edge.name }));
      const text = svg("text", { class: "load", x: middle.x, y: middle.y - 4, "text-anchor": "middle" });
      labels.append(text);
      wires.append(group);
      this.#edges.set(edge.name, { group, text });
    }
    const boxes = svg("g", { class: "nodes" });
    for (const node of plan.nodes) boxes.append(this.#box(node, this.#places.nodes.get(node.name)));
    this.canvas.append(wires, labels, boxes);
    this.#at = plan.nodes[0]?.name ?? null;
    if (this.#at) mark(this.#nodes.get(this.#at).group, "tabindex", "0");
    this.fit();
    this.choose(this.#chosen ?? {});
  }

  fit() {
    this.view.fit(this.#places ?? FIT);
  }

  /** Show what the side panel is about. */
  choose({ node = null, edge = null }) {
    this.#chosen = { node, edge };
    for (const [name, { group }] of this.#nodes) mark(group, "data-chosen", name === node);
    for (const [name, { group }] of this.#edges) mark(group, "data-chosen", name === edge);
  }

  focus(name) {
    const found = this.#nodes.get(name);
    if (!found) return;
    found.group.focus();
    this.view.reveal(this.#places.nodes.get(name));
  }

  #box(node, place) {
    const group = svg("g", {
      class: "node", tabindex: "-1", role: "button", "data-node": node.name, "data-lane": node.lane,
      "data-adapter": node.adapter || null, transform: `translate(${place.x} ${place.y})`,
    });
    const [state, kind] = [svg("text", { class: "state", x: 24, y: 48 }), svg("text", { class: "kind", x: 12, y: 34 }, node.kind)];
    const latency = svg("text", { class: "latency", x: WIDTH - 12, y: 48, "text-anchor": "end" });
    group.append(
      svg("rect", { class: "body", width: place.width, height: place.height, rx: 9 }),
      svg("rect", { class: "lane", width: 4, height: place.height - 18, x: 0, y: 9, rx: 2 }),
      svg("text", { class: "name", x: 12, y: 19 }, short(node.name, 22)),
      kind, svg("circle", { class: "lamp", cx: 16, cy: 44, r: 4 }), state, latency,
    );
    for (const [key, { x, y, port }] of place.ports) {
      const input = key.startsWith("in.");
      group.append(
        svg("circle", { class: `port ${tint(port.frame)}`, cx: x, cy: y, r: 4.5 }, svg("title", {}, port.told)),
        svg("text", { class: "port-name", x: input ? 11 : x - 11, y: y + 3.5, "text-anchor": input ? "start" : "end" }, port.name),
      );
    }
    group.addEventListener("click", () => this.open({ node: node.name }));
    this.#nodes.set(node.name, { group, state, latency, kind, told: "" });
    return group;
  }

  update() {
    for (const [name, parts] of this.#nodes) this.#showNode(name, parts);
    for (const [name, parts] of this.#edges) this.#showEdge(name, parts);
  }

  #showNode(name, parts) {
    const meters = this.store.nodes.get(name);
    if (!meters) {
      mark(parts.group, "data-state", "waiting");
      say(parts.state, "stand-in");
      return;
    }
    const state = meters.stand_in ? `${meters.stand_in} stands in` : meters.state;
    mark(parts.group, "data-state", meters.state);
    say(parts.state, short(meters.state === "failed" && meters.error ? `failed: ${meters.error}` : state, 18));
    say(parts.latency, meters.latency === undefined ? "" : ms(meters.latency));
    const told = `${name}, ${meters.kind ?? this.store.node(name)?.kind ?? ""}, ${state}${meters.error ? `: ${meters.error}` : ""}`;
    if (told !== parts.told) {
      parts.told = told;
      mark(parts.group, "aria-label", told);
    }
  }

  #showEdge(name, parts) {
    const meters = this.store.edges.get(name);
    if (!meters) return;
    mark(parts.group, "data-flow", meters.flow);
    mark(parts.group, "data-queued", meters.depth > 0);
    mark(parts.group, "data-dropped", meters.dropped > 0);
    const words = [meters.rate ? rate(meters.rate) : ""];
    if (meters.depth) words.push(`${meters.depth_ms === null ? meters.depth : ms(meters.depth_ms)} queued`);
    if (meters.dropped) words.push(`${meters.dropped} dropped`);
    say(parts.text, words.filter(Boolean).join(" · "));
  }

  #key(event) {
    const name = event.target.getAttribute?.("data-node");
    if (event.key.startsWith("Arrow") && name) {
      const next = neighbour(this.#places.nodes, name, event.key);
      if (next) this.focus(next);
      event.preventDefault();
    } else if ((event.key === "Enter" || event.key === " ") && name) {
      event.preventDefault();
      this.open({ node: name });
    } else if (event.key === "+" || event.key === "=") this.view.in();
    else if (event.key === "-") this.view.out();
    else if (event.key === "0") this.fit();
  }

  /** Tab enters where it left: one stop for the whole graph. */
  #focused(event) {
    const name = event.target.getAttribute?.("data-node");
    if (!name || name === this.#at) return;
    if (this.#at) mark(this.#nodes.get(this.#at)?.group ?? event.target, "tabindex", "-1");
    this.#at = name;
    mark(event.target, "tabindex", "0");
  }
}

const short = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
