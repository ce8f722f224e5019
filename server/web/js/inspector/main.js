/** The inspector: puts the panels together and follows one session. */

import { ask, session as of } from "./api.js";
import { el, mark, ms, say, tint } from "./dom.js";
import { EdgePanel } from "./edge.js";
import { changed, Editor } from "./editor.js";
import { Events } from "./events.js";
import { Feed } from "./feed.js";
import { Graph } from "./graph.js";
import { NodePanel } from "./node.js";
import { Recorder } from "./recordings.js";
import { Store } from "./store.js";
import { Table } from "./table.js";
import { Tabs } from "./tabs.js";
import { Waterfall } from "./waterfall.js";

const at = (id) => document.getElementById(id);
const STATES = { connecting: "Connecting…", open: "Live", closed: "Connection lost; trying again…", slow: "This connection is too slow; trying again…" };

const url = new URL("api/inspect", document.baseURI);
url.protocol = url.protocol.replace("http", "ws");
const store = new Store();
const feed = new Feed(url);
const graph = new Graph(at("graph"), store, open);
const tabs = new Tabs(at("drawer"));
new Waterfall(at("waterfall"), store);
new Events(at("events"), store);
new Table(at("table"), store, open);
const editor = new Editor(at("pipeline"), store);
const recorder = new Recorder(at("recorder"), at("recordings"), store);
let panel = null;
let opener = null;

store.follow(feed);

// details of a node or an edge

function open(what) {
  const known = what.node ? store.node(what.node) : store.edge(what.edge);
  if (!known) return;
  if (!panel) opener = document.activeElement;
  panel?.close();
  panel = what.node ? new NodePanel(store, what.node, { open, apply }) : new EdgePanel(store, what.edge, { feed, open });
  const title = el("h2", { tabindex: "-1" }, what.node ?? what.edge);
  const close = el("button", { type: "button", "aria-label": "Close details", title: "Close (Escape)", onclick: shut }, "✕");
  at("side").replaceChildren(el("div", { class: "bar" }, title, el("span", { class: "grow" }), close), panel.element);
  at("side").hidden = false;
  graph.choose(what);
  title.focus();
}

function shut() {
  panel?.close();
  panel = null;
  at("side").hidden = true;
  graph.choose({});
  if (opener?.isConnected) opener.focus();
  else graph.focus(store.plan?.nodes[0]?.name);
}

async function apply(node, settings, note) {
  try {
    const told = await ask("PUT", of(store.session, "pipeline"), { body: { nodes: { [node]: { with: settings } } } });
    note(changed(told), true);
  } catch (error) {
    note(error.body?.problems?.map(({ message }) => message).join("; ") || error.message, false);
  }
}

at("side").addEventListener("keydown", (event) => event.key === "Escape" && shut());

// sessions

const picker = at("session");
picker.addEventListener("change", () => watch(picker.value || null));

function watch(id) {
  if (panel) shut();
  feed.watch(id);
}

store.addEventListener("sessions", () => {
  const options = store.sessions.map(({ id, state }) => el("option", { value: id }, `${id} · ${state}`));
  picker.replaceChildren(...(options.length ? options : [el("option", { value: "" }, "none")]));
  picker.disabled = !options.length;
  const known = store.sessions.some(({ id }) => id === store.session);
  if (known) picker.value = store.session;
  else if (options.length) watch(store.sessions.at(-1).id);
});

store.addEventListener("session", () => {
  if (panel) shut();
  at("empty").hidden = Boolean(store.session);
  if (store.session) picker.value = store.session;
});

store.addEventListener("plan", () => {
  const frames = [...new Set(store.plan.edges.map(({ frame }) => frame))];
  at("legend").replaceChildren(...frames.map((frame) => el("li", {}, el("i", { class: `dot ${tint(frame)}` }), frame)));
  if (!panel) return;
  if (panel instanceof NodePanel ? !store.node(panel.name) : !store.edge(panel.name)) shut();
  else if (panel instanceof NodePanel && !at("side").contains(document.activeElement)) open({ node: panel.name });
});

// at a glance

feed.addEventListener("state", ({ detail }) => {
  document.body.dataset.feed = detail;
  say(at("status"), STATES[detail]);
});

store.addEventListener("meters", () => {
  const { loop, replies, held, generation } = store.meters;
  const speaks = replies.find(({ spoke }) => spoke) ?? replies[0];
  const doing = !speaks ? "listening" : held ? "paused" : speaks.spoke ? "speaking" : speaks.committed ? "thinking" : "guessing";
  say(at("turn"), generation ? `${doing}, reply ${speaks?.gen ?? generation}` : doing);
  say(at("lag"), ms(loop.lag_ms));
  mark(at("lag"), "data-bad", loop.lag_ms > 20);
  const drops = [...store.edges.values()].reduce((sum, { dropped }) => sum + dropped, 0);
  say(at("drops"), String(drops));
  mark(at("drops"), "data-bad", drops > 0);
  panel?.update();
});

// views

at("fit").addEventListener("click", () => graph.fit());
at("zoom-in").addEventListener("click", () => graph.view.in());
at("zoom-out").addEventListener("click", () => graph.view.out());
tabs.addEventListener("show", ({ detail }) => {
  if (detail === "pipeline") editor.show();
  if (detail === "recordings") recorder.show();
});
at("empty").hidden = false;
