/** Where the time of every answer went: one bar per answer, the work behind it, two of them side by side. */

import { save, session } from "./api.js";
import { el, ms, say, svg } from "./dom.js";

const WIDTH = 1000; // of the drawing, whatever the panel's
const [TOP, ROW, LEFT] = [26, 20, 130];
const [LETTER, LINE] = [6, 11]; // of the words under the moments, at most
const WORDS = {
  listening: "is the turn over?", service: "at work", queue: "queued", playout: "waits to be played",
  network: "on its way to the ear", unattributed: "unattributed",
};

export class Waterfall {
  #chosen = null; // null: the newest
  #compared = null;
  #shown = "";

  constructor(root, store) {
    this.root = root;
    this.store = store;
    this.list = el("ul", { class: "answers", role: "listbox", "aria-label": "Answers, newest first", tabindex: "0", onkeydown: (event) => this.#key(event) });
    this.other = el("select", { "aria-label": "Compare with", onchange: () => this.#compare() });
    this.chrome = el("button", { type: "button", onclick: () => this.#export() }, "Export trace");
    this.detail = el("div", { class: "detail scroll", tabindex: "0", role: "region", "aria-label": "The chosen answer" });
    const key = Object.entries(WORDS).map(([what, words]) => el("li", {}, el("i", { class: `dot w-${what}` }), words));
    const bar = el("div", { class: "bar" }, el("label", {}, "Compare with ", this.other), this.chrome, el("span", { class: "grow" }), el("ul", { class: "key" }, ...key));
    root.append(el("div", { class: "split" }, el("div", { class: "column" }, this.list), el("div", { class: "column wide" }, bar, this.detail)));
    store.addEventListener("answers", () => this.draw());
    store.addEventListener("session", () => this.reset());
    this.draw();
  }

  reset() {
    this.#chosen = this.#compared = null;
    this.draw();
  }

  get #answers() {
    return [...this.store.answers.values()].sort((a, b) => b.begin_ms - a.begin_ms);
  }

  draw() {
    const answers = this.#answers;
    const chosen = answers.find((one) => one.trace === this.#chosen) ?? answers.find((one) => one.segments.length) ?? answers[0] ?? null;
    const compared = answers.find((one) => one.trace === this.#compared && one !== chosen) ?? null;
    this.list.replaceChildren(...answers.map((one) => this.#item(one, one === chosen)));
    this.chrome.disabled = !answers.length;
    const options = [el("option", { value: "" }, "nothing"), ...answers.filter((one) => one !== chosen && one.segments.length).map((one) => el("option", { value: one.trace }, title(one)))];
    this.other.replaceChildren(...options);
    this.other.value = compared ? String(compared.trace) : "";
    this.other.disabled = options.length < 2;
    const key = JSON.stringify([chosen, compared]);
    if (key === this.#shown) return;
    this.#shown = key;
    if (!chosen) this.detail.replaceChildren(el("p", { class: "soft hint" }, "Nothing has been answered yet. Speak: every answer appears here with where its time went."));
    else {
      const most = Math.max(chosen.total_ms ?? 0, compared?.total_ms ?? 0, 1);
      const both = [...this.#about(chosen, most, compared), ...(compared ? this.#about(compared, most, null) : [])];
      this.detail.replaceChildren(...both, ...(chosen.segments.length ? [sums(chosen, compared)] : []));
    }
  }

  #item(one, chosen) {
    const choose = () => {
      this.#chosen = one.trace;
      this.draw();
    };
    return el(
      "li", { role: "option", "aria-selected": String(chosen), onclick: choose, "data-trace": one.trace },
      el("b", {}, one.total_ms === null ? "–" : ms(one.total_ms)), el("span", {}, one.heard || "(no words)"), el("small", {}, one.status),
    );
  }

  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const answers = this.#answers;
    const at = Math.max(0, [...this.list.children].findIndex((item) => item.getAttribute("aria-selected") === "true"));
    this.#chosen = answers[Math.min(Math.max(at + step, 0), answers.length - 1)]?.trace ?? null;
    this.draw();
    this.list.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }

  #compare() {
    this.#compared = Number(this.other.value) || null;
    this.draw();
  }

  #about(one, most, base) {
    const total = one.total_ms === null ? "not answered aloud" : ms(one.total_ms);
    const change = base?.total_ms && one.total_ms ? ` (${one.total_ms >= base.total_ms ? "+" : "−"}${ms(Math.abs(one.total_ms - base.total_ms))})` : "";
    const share = el("span", { class: "chip", "data-bad": one.unattributed > 0.05 || null }, `${(one.unattributed * 100).toFixed(1)} % unattributed`);
    return [
      el("h3", {}, `${title(one)}: ${total}${change}`, " ", one.segments.length ? share : null),
      el("p", { class: "said-words" }, el("b", {}, "Heard "), one.heard || "–", el("br"), el("b", {}, "Said "), one.reply || "–", one.status === "cut" ? el("i", {}, " interrupted") : null),
      one.segments.length ? drawing(one, most) : el("p", { class: "soft" }, "No sound came of it, so there is no wait to divide."),
    ];
  }

  async #export() {
    const { session: id } = this.store;
    const response = await fetch(session(id, "waterfall?format=chrome"));
    if (response.ok) save(`vaidol-${id}.trace.json`, await response.text(), "application/json");
    else say(this.chrome, "The session is over");
  }
}

function title({ trace }) {
  if (trace >= 2 ** 41) return "greeting";
  return trace >= 2 ** 40 ? `typed ${trace - 2 ** 40}` : `utterance ${trace}`;
}

/** The moments with their words, in as many lines as keep these apart. */
function apart(moments, x) {
  const ends = []; // of the words in each line
  return [...moments].sort((a, b) => a.ms - b.ms).map(({ name, ms: at }) => {
    const words = name.replaceAll("_", " ");
    const from = Math.min(x(at) + 3, WIDTH - words.length * LETTER);
    const free = ends.findIndex((end) => end < from);
    const line = free < 0 ? ends.length : free;
    ends[line] = from + words.length * LETTER;
    return { words, at, from, line };
  });
}

/** The bar of the wait, the work of every node under it, and the moments as lines through all. */
function drawing(one, most) {
  const nodes = [...new Set(one.work.map(({ node }) => node))];
  const x = (at) => LEFT + (Math.max(at, 0) / most) * (WIDTH - LEFT - 10);
  const moments = apart(one.moments.filter(({ ms: at }) => at >= 0 && at <= most), x);
  const foot = TOP + ROW * (nodes.length + 1);
  const height = foot + 8 + LINE * (1 + Math.max(0, ...moments.map(({ line }) => line + 1)));
  const long = (from, span) => Math.max(x(from + span) - x(from), 1);
  const picture = svg("svg", { class: "fall", viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": `${one.segments.map(({ what, node, long_ms }) => `${node || what} ${ms(long_ms)}`).join(", ")}` });
  for (const { words, at, from, line } of moments) {
    picture.append(svg("line", { class: "moment", x1: x(at), x2: x(at), y1: 14, y2: foot + 4 }), svg("text", { class: "moment", x: from, y: foot + 5 + LINE * (line + 1) }, words));
  }
  picture.append(svg("text", { x: 4, y: TOP + 13 }, "the wait"));
  for (const { what, node, ms: at, long_ms } of one.segments) {
    const bar = svg("rect", { class: `w-${what}`, x: x(at), y: TOP, width: long(at, long_ms), height: ROW - 3, rx: 2 }, svg("title", {}, `${node || what}: ${ms(long_ms)}, ${WORDS[what]}`));
    picture.append(bar);
    if (long(at, long_ms) > 64) picture.append(svg("text", { class: "inside", x: x(at) + 5, y: TOP + 12.5 }, `${node || what} ${ms(long_ms)}`));
  }
  nodes.forEach((name, i) => {
    const y = TOP + ROW * (i + 1);
    picture.append(svg("text", { x: 4, y: y + 13 }, name));
    for (const { node, ms: at, queue_ms, long_ms } of one.work.filter((span) => span.node === name && span.ms + span.long_ms >= 0 && span.ms <= most)) {
      if (queue_ms > 0.5) picture.append(svg("rect", { class: "w-queue", x: x(at - queue_ms), y: y + 4, width: long(at - queue_ms, queue_ms), height: ROW - 11 }));
      const seen = Math.min(at + long_ms, most) - Math.max(at, 0);
      picture.append(svg("rect", { class: "work", x: x(at), y: y + 2, width: long(Math.max(at, 0), seen), height: ROW - 7, rx: 2 }, svg("title", {}, `${node}: ${ms(long_ms)} from ${ms(at)}`)));
    }
  });
  return picture;
}

/** The same as a table: ms by what and by whom, beside those of `base`. */
function sums(one, base) {
  const [mine, theirs] = [summed(one), base ? summed(base) : null];
  const names = [...new Set([...Object.keys(mine), ...Object.keys(theirs ?? {})])];
  const heads = ["spent on", "ms", "share", ...(base ? [title(base), "change"] : [])];
  const row = (name) => {
    const [now, then] = [mine[name] ?? 0, theirs?.[name] ?? 0];
    const cells = [name, now.toFixed(1), `${((now / one.total_ms) * 100).toFixed(0)} %`, ...(base ? [then.toFixed(1), `${now >= then ? "+" : "−"}${Math.abs(now - then).toFixed(1)}`] : [])];
    return el("tr", {}, ...cells.map((text, i) => el(i ? "td" : "th", i ? {} : { scope: "row" }, text)));
  };
  return el("table", { class: "log sums" }, el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, ...names.map(row)));
}

function summed(one) {
  const found = {};
  for (const { what, node, long_ms } of one.segments) {
    const name = what === "service" ? node : what === "queue" ? `queue of ${node}` : what;
    found[name] = (found[name] ?? 0) + long_ms;
  }
  return found;
}
