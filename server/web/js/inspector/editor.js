/** The pipeline as text: completed as one types, checked by the server, compared with what runs, applied, rolled back. */

import { ask, Refused, session } from "./api.js";
import { el, say } from "./dom.js";
import { difference } from "./diff.js";

const QUIET_MS = 350; // after the last key, then the server checks

export class Editor {
  #running = "";
  #revision = null;
  #timer = 0;
  #checking = null;
  #box = null;
  #loaded = null; // the session whose text is shown

  constructor(root, store) {
    this.root = root;
    this.store = store;
    this.host = el("div", { class: "code" });
    this.apply = el("button", { type: "button", class: "main", disabled: true, onclick: () => this.#apply() }, "Apply");
    this.at = el("select", { "aria-label": "When it takes effect" }, ...[["", "when it fits"], ["turn", "at the next turn"], ["frame", "at the next frame"], ["now", "now"]].map(([value, text]) => el("option", { value }, text)));
    this.revert = el("button", { type: "button", onclick: () => this.#load() }, "Take what runs");
    this.back = el("button", { type: "button", disabled: true, onclick: () => this.#rollback() }, "Roll back");
    this.said = el("p", { class: "said", role: "status" });
    this.problems = el("ul", { class: "problems", "aria-label": "Mistakes" });
    this.diff = el("pre", { class: "diff", tabindex: "0", "aria-label": "What differs from what runs" });
    const bar = el("div", { class: "bar" }, this.apply, this.at, this.revert, this.back, this.said);
    root.append(bar, el("div", { class: "split" }, this.host, el("div", { class: "column aside scroll" }, this.problems, this.diff)));
    store.addEventListener("session", () => this.#leave());
    store.addEventListener("plan", () => this.#swapped());
  }

  /** The tab was opened: what takes long comes only now. */
  async show() {
    if (!this.store.session) return;
    if (!this.#box) await this.#make();
    if (this.#loaded !== this.store.session) await this.#load();
  }

  async #make() {
    this.#box = true;
    const [{ CodeBox }, { Completion }, schema] = await Promise.all([import("./codebox.js"), import("./completion.js"), ask("GET", "api/schema")]);
    const complete = (context) => new Completion(schema, this.store.plan).source(context);
    this.#box = new CodeBox(this.host, { changed: () => this.#changed(), complete, label: "Pipeline" });
  }

  #leave() {
    this.#loaded = null;
    if (!this.root.hidden) this.show();
  }

  /** Another plan runs: read it, unless the user is in the middle of something. */
  #swapped() {
    if (!this.#loaded || this.#loaded !== this.store.session) return;
    if (this.#box.text === this.#running) this.#load();
    else this.#refresh();
  }

  async #load() {
    const told = await this.#refresh();
    if (!told) return;
    this.#loaded = this.store.session;
    this.#box.text = told.yaml;
    this.#note(`revision ${told.revision} runs`, true);
  }

  /** Learn what runs now, leaving the text alone. */
  async #refresh() {
    try {
      const told = await ask("GET", session(this.store.session, "pipeline"));
      this.#running = told.yaml;
      this.#revision = told.revision;
      this.back.disabled = !told.can_go_back;
      this.#compare();
      return told;
    } catch (error) {
      this.#failed(error);
      return null;
    }
  }

  #changed() {
    this.#compare();
    clearTimeout(this.#timer);
    this.apply.disabled = true;
    this.#timer = setTimeout(() => this.#check(), QUIET_MS);
  }

  #compare() {
    const lines = difference(this.#running, this.#box?.text ?? this.#running);
    this.diff.replaceChildren(...lines.map(([sign, line]) => el("span", { "data-sign": sign }, `${sign} ${line}\n`)));
    this.diff.hidden = !lines.length;
  }

  async #check() {
    this.#checking?.abort();
    this.#checking = new AbortController();
    const { text } = this.#box;
    if (text === this.#running) {
      this.#show([]);
      this.#note(`revision ${this.#revision} runs`, true);
      return;
    }
    try {
      const told = await ask("PUT", session(this.store.session, "pipeline?dry_run=1"), { body: text, type: "application/yaml", signal: this.#checking.signal });
      this.#show([]);
      this.#note(told.diff?.text || "fine; nothing would change", true);
      this.apply.disabled = text !== this.#box.text;
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#show(error.body?.problems ?? []);
      this.#failed(error);
    }
  }

  #show(problems) {
    this.#box.mark(problems);
    this.problems.replaceChildren(
      ...problems.map(({ line, column, message }) =>
        el("li", {}, el("button", { type: "button", class: "link", onclick: () => this.#box.goto(line, column) }, `${line}:${column}`), ` ${message}`),
      ),
    );
  }

  async #apply() {
    this.apply.disabled = true;
    this.#note("Applying: new nodes warm up beside the old…", true);
    const at = this.at.value ? `&at=${this.at.value}` : "";
    await this.#change("PUT", `pipeline?revision=${this.#revision}${at}`, { body: this.#box.text, type: "application/yaml" });
  }

  async #rollback() {
    this.#note("Going back…", true);
    await this.#change("POST", "rollback");
  }

  async #change(method, path, how = {}) {
    try {
      const told = await ask(method, session(this.store.session, path), how);
      await this.#load();
      this.#note(changed(told), true);
    } catch (error) {
      this.#failed(error);
      this.#compare();
    }
  }

  #failed(error) {
    if (!(error instanceof Refused)) throw error;
    this.#note(error.code === "invalid" ? "This would not run:" : error.message, false);
  }

  #note(text, good) {
    say(this.said, text);
    this.said.dataset.good = good;
  }
}

/** One sentence on a change that took effect. */
export function changed({ revision, diff, outcome, took_ms: took }) {
  const what = diff?.text || "nothing differs";
  return `revision ${revision}: ${what}${outcome && outcome !== "done" ? ` (${outcome})` : ""}${took ? `, after ${Math.round(took)} ms` : ""}`;
}
