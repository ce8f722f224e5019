/** The recorder: save the last seconds, record a whole call, fetch what was saved. */

import { ask, session } from "./api.js";
import { bytes, el, say } from "./dom.js";

export class Recorder {
  #recording = false;

  constructor(controls, root, store) {
    this.store = store;
    this.root = root;
    this.dump = el("button", { type: "button", disabled: true, title: "Save the last 30 s of this call", onclick: () => this.#dump() }, "Save last 30 s");
    this.record = el("button", { type: "button", class: "record", "aria-pressed": "false", disabled: true, onclick: () => this.#record() }, "Record");
    this.said = el("span", { class: "said", role: "status" });
    controls.append(this.dump, this.record, this.said);
    this.body = el("tbody");
    const head = ["recording", "call", "when", "long", "size", "why", ""].map((name) => el("th", { scope: "col" }, name));
    this.hint = el("p", { class: "soft hint" }, "Nothing is saved yet. “Save last 30 s” keeps what just happened; “Record” keeps a whole call, sound included: tell those who speak.");
    root.append(this.hint, el("div", { class: "scroll" }, el("table", { class: "log" }, el("thead", {}, el("tr", {}, ...head)), this.body)));
    store.addEventListener("session", () => this.#session());
  }

  show() {
    return this.#list();
  }

  #session() {
    const none = !this.store.session;
    this.dump.disabled = this.record.disabled = none;
    this.#pressed(false);
  }

  #pressed(on) {
    this.#recording = on;
    this.record.setAttribute("aria-pressed", String(on));
    say(this.record, on ? "Stop recording" : "Record");
  }

  #dump() {
    return this.#do("POST", "dump", (told) => `saved ${told.name ?? ""}`);
  }

  async #record() {
    const on = !this.#recording;
    await this.#do(on ? "POST" : "DELETE", "recording", (told) => (on ? "recording" : `saved ${told?.name ?? ""}`), () => this.#pressed(on));
  }

  async #do(method, path, words, then = () => {}) {
    try {
      const told = await ask(method, session(this.store.session, path));
      then();
      this.#note(words(told), true);
      if (!this.root.hidden) await this.#list();
    } catch (error) {
      this.#note(error.message, false);
    }
  }

  #note(text, good) {
    say(this.said, text);
    this.said.dataset.good = good;
  }

  async #list() {
    try {
      const { recordings } = await ask("GET", "api/recordings");
      this.hint.hidden = recordings.length > 0;
      this.body.replaceChildren(...recordings.map(row));
    } catch (error) {
      this.hint.hidden = false;
      say(this.hint, error.status === 404 ? "This server keeps no recordings." : error.message);
    }
  }
}

function row({ name, session: of, began, seconds, bytes: size, cause }) {
  const link = el("a", { href: `api/recordings/${encodeURIComponent(name)}`, download: name }, "Download");
  const when = began ? new Date(began * 1000).toLocaleString() : "";
  const cells = [of ?? "", when, seconds === undefined ? "" : `${Math.round(seconds)} s`, size ? bytes(size) : "", cause ?? ""];
  return el("tr", {}, el("th", { scope: "row" }, name), ...cells.map((text) => el("td", {}, text)), el("td", {}, link));
}
