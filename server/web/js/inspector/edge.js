/** The panel of an edge: what it carries, its meters, and a tap to look at and listen to what passes. */

import { el, hertz, ms, rate, say, tint } from "./dom.js";
import { Loudspeaker } from "./listen.js";
import { Scope } from "./scope.js";

const LINES = 200;

export class EdgePanel {
  #rows = new Map();
  #number = null;
  #paused = false;
  #listens = false;
  #lost = 0;

  constructor(store, name, { feed, open }) {
    this.store = store;
    this.feed = feed;
    this.name = name;
    this.edge = store.edge(name);
    this.sounds = this.edge.frame === "Audio" || this.edge.frame === "Utterance";
    this.scope = this.sounds ? new Scope() : null;
    this.loudspeaker = null;
    this.off = [];
    for (const [kind, call] of [["tapped", this.tapped], ["untapped", this.untapped], ["frames", this.frames], ["sound", this.sound]]) {
      const listener = ({ detail }) => call.call(this, detail);
      feed.addEventListener(kind, listener);
      this.off.push(() => feed.removeEventListener(kind, listener));
    }
    this.element = el("div", { class: "panel" }, ...this.#parts(open));
    feed.tap(name);
    this.update();
  }

  #parts(open) {
    const { edge } = this;
    const link = (node, port) => el("button", { type: "button", class: "link", onclick: () => open({ node }) }, `${node}.${port}`);
    const bound = edge.bound_ms ? `${edge.bound_ms} ms` : `${edge.bound} frames`;
    const facts = [[edge.frame, hertz(edge.rate)].filter(Boolean).join(" "), `${edge.policy} at ${bound}`, `lane: ${edge.lane}`, edge.feedback && "feedback"];
    this.said = el("p", { class: "said", role: "status" });
    this.pause = el("button", { type: "button", "aria-pressed": "false", onclick: () => this.#pause() }, "Pause");
    this.listen = el("button", { type: "button", "aria-pressed": "false", hidden: !this.sounds, onclick: () => this.#listen() }, "Listen to this edge");
    this.lines = el("ol", { class: "stream", role: "log", "aria-label": "What passes", tabindex: "0" });
    return [
      el("p", { class: "about" }, el("i", { class: `dot ${tint(edge.frame)}` }), ...facts.filter(Boolean).map((fact) => el("span", { class: "chip" }, fact))),
      el("p", { class: "ends" }, link(edge.source, edge.source_port), " → ", link(edge.target, edge.target_port)),
      el("section", {}, el("h3", {}, "Tap"), el("p", { class: "buttons" }, this.pause, this.listen, this.said), this.scope?.element ?? null, this.lines),
      el("section", {}, el("h3", {}, "Meters"), this.#meters()),
    ];
  }

  #meters() {
    const list = el("dl", { class: "figures" });
    for (const name of ["per second", "entered", "taken", "queued", "most queued", "dropped", "stale", "wait p50 / p99"]) {
      const value = el("dd", {}, "–");
      this.#rows.set(name, value);
      list.append(el("div", {}, el("dt", {}, name), value));
    }
    return list;
  }

  update() {
    const meters = this.store.edges.get(this.name);
    if (!meters) return;
    const queued = meters.depth_ms === null ? meters.depth : `${meters.depth} (${ms(meters.depth_ms)})`;
    const figures = {
      "per second": rate(meters.rate), entered: meters.entered, taken: meters.taken, queued, "most queued": meters.high,
      dropped: meters.dropped, stale: meters.stale, "wait p50 / p99": `${ms(meters.wait_p50_us / 1000)} / ${ms(meters.wait_p99_us / 1000)}`,
    };
    for (const [name, value] of Object.entries(figures)) say(this.#rows.get(name), String(value));
  }

  tapped({ edge, tap }) {
    if (edge === this.name) this.#number = tap;
  }

  untapped({ edge, message }) {
    if (edge === this.name) say(this.said, message);
  }

  frames({ tap, lost, frames }) {
    if (tap !== this.#number) return;
    this.#lost += lost;
    if (this.#lost) say(this.said, `${this.#lost} frames were not shown: the connection is slow`);
    if (this.#paused) return;
    const atEnd = this.lines.scrollTop + this.lines.clientHeight > this.lines.scrollHeight - 24;
    for (const frame of frames) {
      const about = [frame.gen && `reply ${frame.gen}`, frame.trace && `#${frame.trace}`, frame.final && "final"].filter(Boolean).join(" ");
      this.lines.append(el("li", {}, el("time", {}, (frame.at / 1000).toFixed(2)), el("span", {}, frame.told || frame.frame), el("small", {}, about)));
    }
    while (this.lines.childElementCount > LINES) this.lines.firstElementChild.remove();
    if (atEnd) this.lines.scrollTop = this.lines.scrollHeight;
  }

  sound(sound) {
    if (sound.tap !== this.#number) return;
    if (sound.kind === 2) this.loudspeaker?.play(sound.samples, sound.rate);
    else if (!this.#paused) this.scope.add(sound);
  }

  #pause() {
    this.#paused = !this.#paused;
    this.pause.setAttribute("aria-pressed", String(this.#paused));
    say(this.pause, this.#paused ? "Go on" : "Pause");
  }

  #listen() {
    this.#listens = !this.#listens;
    this.listen.setAttribute("aria-pressed", String(this.#listens));
    say(this.listen, this.#listens ? "Stop listening" : "Listen to this edge");
    this.loudspeaker?.close();
    this.loudspeaker = this.#listens ? new Loudspeaker() : null;
    this.feed.tap(this.name, this.#listens);
  }

  close() {
    for (const off of this.off) off();
    this.loudspeaker?.close();
    this.scope?.close();
    this.feed.untap(this.name);
  }
}
