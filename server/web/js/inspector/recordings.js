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
    const head = ["recording", "saved", "size", "", ""].map((name) => el("th", { scope: "col" }, name));
    this.hint = el("p", { class: "soft hint" }, "Nothing is saved yet. “Save last 30 s” keeps what just happened; “Record” keeps a whole call, sound included: tell those who speak.");
    root.append(this.hint, el("div", { class: "scroll" }, el("table", { class: "log" }, el("thead", {}, el("tr", {}, ...head)), this.body)));
    store.addEventListener("session", () => this.#session());
  }

  show() {
    return this.#list();
  }

  async #session() {
    const { session: id } = this.store;
    this.dump.disabled = this.record.disabled = !id;
    this.#pressed(false);
    const told = id ? await ask("GET", session(id, "recorder")).catch(() => null) : null;
    if (told && id === this.store.session) this.#pressed(told.recording !== null);
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
      this.body.replaceChildren(...recordings.map((one) => this.#row(one)));
    } catch (error) {
      this.hint.hidden = false;
      say(this.hint, error.status === 404 ? "This server keeps no recordings." : error.message);
    }
  }

  #row({ name, bytes: size, modified_s: at }) {
    const path = `api/recordings/${encodeURIComponent(name)}`;
    const link = el("a", { href: path, download: name }, "Download");
    const hear = name.endsWith(".ogg") ? el("audio", { controls: true, preload: "none", src: path, "aria-label": `Listen to ${name}` }) : null;
    const remove = el("button", { type: "button", class: "link", onclick: () => this.#remove(path) }, "Remove");
    const when = new Date(at * 1000).toLocaleString();
    return el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, when), el("td", {}, bytes(size)), el("td", {}, hear), el("td", {}, link, " ", remove));
  }

  async #remove(path) {
    try {
      await ask("DELETE", path);
      this.#note("removed", true);
    } catch (error) {
      this.#note(error.message, false);
    }
    await this.#list();
  }
}
