/** The page around the avatar: buttons, subtitles, transcript, notices. Shows what it is told, decides nothing. */

import { element } from "./element.js";
import { remembers } from "./whoami.js";

const MARKS = { cut: "interrupted", failed: "broken off" };
const WHO = { user: "You", avatar: "Avatar" };
const at = (id) => document.getElementById(id);

/** Events: start, stop, mute, interrupt, text {text}, notice-action. */
export class Page extends EventTarget {
  #rows = new WeakMap();
  #action = null;

  constructor() {
    super();
    this.avatarName = WHO.avatar;
    at("start").addEventListener("click", () => this.#emit("start"));
    at("stop").addEventListener("click", () => this.#emit("stop"));
    at("mute").addEventListener("click", () => this.#emit("mute"));
    at("interrupt").addEventListener("click", () => this.#emit("interrupt"));
    at("write").addEventListener("submit", (event) => this.#submit(event));
    at("notice-close").addEventListener("click", () => this.notice(null));
    at("notice-action").addEventListener("click", () => this.#action?.());
    addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !at("interrupt").disabled) this.#emit("interrupt");
    });
  }

  /** @param call idle | connecting | live | reconnecting; @param doing listening | thinking | speaking | asleep */
  state(call, doing, words) {
    const was = document.body.dataset.call;
    document.body.dataset.call = call;
    document.body.dataset.doing = call === "live" ? doing : "";
    if (at("status").textContent !== words) at("status").textContent = words;
    at("interrupt").disabled = call !== "live" || ["listening", "asleep"].includes(doing);
    at("send").disabled = call !== "live";
    if (was !== "idle" && call === "idle") at("start").focus();
    if (was === "idle" && call !== "idle") at("mute").focus(); // harmless, unlike "End call", if a key is still down
  }

  health({ ready, text, parts, history }) {
    at("kept").hidden = !history;
    at("kept-words").textContent = remembers() ? "What you say is remembered on the server:" : "You are not remembered:";
    at("start").disabled = !ready;
    if (at("start").textContent !== text) at("start").textContent = text;
    at("nodes").replaceChildren(...parts.map(part));
  }

  microphone({ present, muted }) {
    const button = at("mute");
    button.setAttribute("aria-pressed", String(present && muted));
    button.querySelector("span").textContent = present ? (muted ? "Unmute" : "Mute") : "Use microphone";
    button.dataset.off = String(!present || muted);
    at("level").hidden = !present;
  }

  level(value) {
    at("level").value = value;
  }

  heard(text, final) {
    at("heard").textContent = text;
    at("heard").dataset.final = String(final);
  }

  said(text) {
    at("said").textContent = text;
    delete at("said").dataset.cut;
  }

  saidCut() {
    if (at("said").textContent) at("said").dataset.cut = "true";
  }

  /** Add or renew the row of a transcript entry; follow the end unless the reader scrolled away. */
  row(entry) {
    const list = at("transcript");
    const follow = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    at("talk").hidden = false;
    let row = this.#rows.get(entry);
    if (!row) {
      row = document.createElement("li");
      this.#rows.set(entry, row);
      list.append(row);
    }
    row.className = entry.who;
    row.dataset.final = String(entry.final);
    row.replaceChildren(...this.#rowParts(entry));
    if (follow) list.scrollTop = list.scrollHeight;
  }

  /** A sentence for the person, with at most one button; null takes it away. */
  notice(text, action = null) {
    at("notice").hidden = text === null;
    at("notice-text").textContent = text ?? "";
    at("notice-action").hidden = action === null;
    at("notice-action").textContent = action?.label ?? "";
    this.#action = action?.run ?? null;
  }

  /** @param moments [name, ms after the user stopped speaking][], in order */
  timing(total, moments) {
    at("timing").hidden = false;
    at("timing-total").textContent = `${(total / 1000).toFixed(1)} s`;
    const rows = moments.map(([name, ms]) => [name.replaceAll("_", " "), `${Math.round(ms)} ms`]);
    at("timing-stages").replaceChildren(
      ...rows.map(([name, ms]) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, ms))),
    );
  }

  get voice() {
    return at("voice");
  }

  #rowParts(entry) {
    if (entry.who === "note") return [entry.text];
    if (entry.who === "memory") {
      const listed = entry.lines.map((line) => element("p", {}, line));
      const change = element("a", { href: "history", target: "_blank" }, "look, forget");
      return [element("details", {}, element("summary", {}, entry.text), ...listed, change)];
    }
    const name = entry.who === "avatar" ? this.avatarName : WHO.user;
    const parts = [element("b", {}, name), element("span", {}, entry.text)];
    if (entry.mark) parts.push(element("i", {}, MARKS[entry.mark] ?? entry.mark));
    return parts;
  }

  #submit(event) {
    event.preventDefault();
    const text = at("text").value.trim();
    if (!text || at("send").disabled) return;
    at("text").value = "";
    this.dispatchEvent(new CustomEvent("text", { detail: text }));
  }

  #emit(name) {
    this.dispatchEvent(new CustomEvent(name));
  }
}

function part({ name, about, state, progress, step, error }) {
  const words = error || [about, step].filter(Boolean).join(" · ");
  const row = element("li", {}, element("b", {}, name), element("span", {}, words));
  row.dataset.state = state;
  if (state === "loading") {
    const bar = element("progress", { "aria-label": `Loading ${name}`, max: "1" });
    if (progress) bar.value = progress;
    row.append(bar);
  }
  return row;
}
