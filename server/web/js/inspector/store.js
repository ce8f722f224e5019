/** What is known of the watched session: plan, meters with rates, events, answers. Panels listen to its changes. */

const SMOOTH_MS = 1000; // over which rates are taken
const HISTORY = 2400; // beats kept of every node, 5 min
const MANY = 4; // frames taken by a node that is always busy, until its latency is worked out
const EVENTS = 2000;
const ANSWERS = 64;

export class Store extends EventTarget {
  constructor() {
    super();
    this.sessions = [];
    this.session = null;
    this.offset = 0; // from the server's clock to this one's, ms
    this.forget();
  }

  forget() {
    this.plan = null;
    this.nodes = new Map(); // name -> meters, with `latency` (ms per frame) and `rate`
    this.edges = new Map(); // name -> meters, with `rate` and `flow`
    this.history = new Map(); // name -> [[at s, ms per frame]]
    this.meters = null;
    this.events = [];
    this.answers = new Map(); // trace -> answer
  }

  follow(feed) {
    const on = (name, call) => feed.addEventListener(name, ({ detail }) => call(detail));
    on("sessions", (message) => this.#sessions(message));
    on("watching", ({ session }) => this.#watching(session));
    on("plan", ({ plan }) => this.#planned(plan));
    on("meters", (message) => this.#metered(message));
    on("events", ({ events }) => this.#happened(events));
    on("answers", ({ answers }) => this.#answered(answers));
  }

  node(name) {
    return this.plan?.nodes.find((node) => node.name === name) ?? null;
  }

  edge(name) {
    return this.plan?.edges.find((edge) => edge.name === name) ?? null;
  }

  #sessions({ sessions, at }) {
    this.sessions = sessions;
    this.offset = Date.now() - at;
    this.#tell("sessions");
  }

  #watching(session) {
    this.session = session;
    this.forget();
    this.#tell("session");
  }

  #planned(plan) {
    this.plan = plan;
    this.nodes.clear();
    this.edges.clear();
    this.#tell("plan");
  }

  #metered(message) {
    const before = this.meters;
    this.meters = message;
    this.offset = Date.now() - message.at;
    for (const [name, changed] of Object.entries(message.nodes)) this.#node(name, changed, message.at);
    for (const [name, changed] of Object.entries(message.edges)) this.#edge(name, changed);
    for (const edge of this.edges.values()) {
      const since = edge.since ?? { at: message.at, entered: edge.entered };
      edge.flow = before !== null && edge.entered > (edge.last ?? edge.entered);
      edge.last = edge.entered;
      if (message.at - since.at >= SMOOTH_MS || !edge.since) {
        const passed = message.at - since.at;
        edge.rate = passed ? ((edge.entered - since.entered) * 1000) / passed : 0;
        edge.since = { at: message.at, entered: edge.entered };
      }
    }
    for (const node of this.nodes.values()) this.#rate(node, message.at);
    this.#tell("meters");
  }

  /**
   * Latency is the time per frame: work on the loop and waiting for the outside. A frame counts when it is taken, its
   * time when it is done, so a node that is busy is looked at later, unless it always is.
   */
  #node(name, changed, at) {
    const node = this.nodes.get(name) ?? {};
    const fresh = node.frames === undefined;
    Object.assign(node, changed);
    this.nodes.set(name, node);
    const spent = node.busy_ms + node.waited_ms;
    const before = fresh ? { frames: node.frames, spent } : node.before;
    node.before = before;
    const taken = node.frames - before.frames;
    if (taken <= 0 || (node.state === "busy" && taken < MANY)) return;
    node.latency = (spent - before.spent) / taken;
    node.before = { frames: node.frames, spent };
    const past = this.history.get(name) ?? [];
    past.push([at / 1000, node.latency]);
    if (past.length > HISTORY) past.shift();
    this.history.set(name, past);
  }

  #rate(node, at) {
    const since = node.since ?? { at, frames: node.frames };
    if (at - since.at >= SMOOTH_MS || !node.since) {
      node.rate = at > since.at ? ((node.frames - since.frames) * 1000) / (at - since.at) : 0;
      node.since = { at, frames: node.frames };
    }
  }

  #edge(name, changed) {
    const edge = this.edges.get(name) ?? {};
    Object.assign(edge, changed);
    this.edges.set(name, edge);
  }

  #happened(events) {
    this.events.push(...events);
    if (this.events.length > EVENTS) this.events.splice(0, this.events.length - EVENTS);
    this.#tell("events", events);
  }

  #answered(answers) {
    for (const answer of answers) this.answers.set(answer.trace, answer);
    while (this.answers.size > ANSWERS) this.answers.delete(this.answers.keys().next().value);
    this.#tell("answers");
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** The `share` quantile of `values`; null of none. */
export function quantile(values, share) {
  if (!values.length) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}
