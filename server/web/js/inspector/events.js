/** The event log: filters by kind, node and words; follows the newest until paused or scrolled away. */

import { clock, el, say } from "./dom.js";

const ROWS = 400;
const TROUBLE = new Set(["error", "turn_failed", "alarm", "slow", "failed", "restarting"]);

export class Events {
  #held = 0;

  constructor(root, store) {
    this.store = store;
    this.kind = el("select", { "aria-label": "Kind of event" }, option("", "all kinds"), option("!", "trouble only"));
    this.node = el("select", { "aria-label": "Node" }, option("", "all nodes"));
    this.words = el("input", { type: "search", placeholder: "words", "aria-label": "Words in the event" });
    this.pause = el("button", { type: "button", "aria-pressed": "false", onclick: () => this.#pause() }, "Pause");
    this.count = el("span", { class: "soft", role: "status" });
    this.body = el("tbody");
    const head = el("tr", {}, ...["time", "event", "node", "turn", "what"].map((name) => el("th", { scope: "col" }, name)));
    this.scroll = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Event log" }, el("table", { class: "log" }, el("thead", {}, head), this.body));
    root.append(el("div", { class: "bar" }, this.kind, this.node, this.words, this.pause, this.count), this.scroll);
    for (const control of [this.kind, this.node, this.words]) control.addEventListener("input", () => this.#all());
    store.addEventListener("session", () => this.#all());
    store.addEventListener("events", ({ detail }) => this.#add(detail));
  }

  get paused() {
    return this.pause.getAttribute("aria-pressed") === "true";
  }

  #pause() {
    this.pause.setAttribute("aria-pressed", String(!this.paused));
    say(this.pause, this.paused ? "Go on" : "Pause");
    if (!this.paused) this.#all();
  }

  #wanted(event) {
    const [kind, node, words] = [this.kind.value, this.node.value, this.words.value.trim().toLowerCase()];
    if (kind === "!" ? !TROUBLE.has(event.name) : kind && event.name !== kind) return false;
    if (node && event.node !== node) return false;
    return !words || `${event.name} ${event.node} ${event.code} ${event.text}`.toLowerCase().includes(words);
  }

  #all() {
    this.#held = 0;
    this.body.replaceChildren(...this.store.events.filter((event) => this.#wanted(event)).slice(-ROWS).map((event) => this.#row(event)));
    this.#known(this.store.events);
    this.#counted();
    this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  #add(events) {
    this.#known(events);
    if (this.paused) {
      this.#held += events.length;
      this.#counted();
      return;
    }
    const atEnd = this.scroll.scrollTop + this.scroll.clientHeight > this.scroll.scrollHeight - 40;
    this.body.append(...events.filter((event) => this.#wanted(event)).map((event) => this.#row(event)));
    while (this.body.childElementCount > ROWS) this.body.firstElementChild.remove();
    this.#counted();
    if (atEnd) this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  #counted() {
    say(this.count, `${this.body.childElementCount} of ${this.store.events.length}${this.#held ? `, ${this.#held} more while paused` : ""}`);
  }

  #row(event) {
    const what = [event.code, event.text, event.value ? String(Math.round(event.value * 10) / 10) : ""].filter(Boolean).join(" · ");
    const turn = [event.gen ? `reply ${event.gen}` : "", event.trace ? `#${event.trace > 1e6 ? `typed ${event.trace % 2 ** 20}` : event.trace}` : ""].filter(Boolean).join(" ");
    return el(
      "tr", { "data-trouble": TROUBLE.has(event.name) || null },
      el("td", {}, clock(event.at, this.store.offset)), el("td", {}, event.name), el("td", {}, event.node), el("td", {}, turn), el("td", {}, what),
    );
  }

  /** Kinds and nodes to choose from, as they come. */
  #known(events) {
    for (const event of events) {
      for (const [select, value] of [[this.kind, event.name], [this.node, event.node]]) {
        if (value && ![...select.options].some((one) => one.value === value)) select.append(option(value, value));
      }
    }
  }
}

const option = (value, text) => el("option", { value }, text);
