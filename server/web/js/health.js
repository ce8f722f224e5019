/** Ask the server what it is still loading, and say it in plain words. */

const LOADING_MS = 1000;
const READY_MS = 10_000;
const DEADLINE_MS = 5000;

const PARTS = {
  agent: "the mind",
  asr: "hearing",
  expression: "the face",
  tts: "the voice",
  vad: "voice detection",
  voice: "the voice",
};

/** Event: `change` with {ready, text, parts: [{name, about, state, progress, error}], history: is one kept?}. */
export class Health extends EventTarget {
  #timer = null;
  #running = false;
  #waited = new Map(); // id -> what it loads, of every part that was seen loading

  start() {
    if (this.#running) return;
    this.#running = true;
    this.#poll();
  }

  stop() {
    this.#running = false;
    clearTimeout(this.#timer);
  }

  async #poll() {
    const report = await fetchHealth();
    if (!this.#running) return;
    const detail = { ...describe(report, this.#waited), history: Boolean(report?.history) };
    this.dispatchEvent(new CustomEvent("change", { detail }));
    this.#timer = setTimeout(() => this.#poll(), detail.ready ? READY_MS : LOADING_MS);
  }
}

async function fetchHealth() {
  try {
    const request = { signal: AbortSignal.timeout(DEADLINE_MS), cache: "no-store" };
    const response = await fetch(new URL("health", document.baseURI), request);
    return await response.json();
  } catch (fault) {
    if (fault instanceof TypeError || fault instanceof SyntaxError || fault instanceof DOMException) return null;
    throw fault;
  }
}

/** Parts that never needed loading are not worth a line. */
function describe(report, waited) {
  if (!report) return { ready: false, text: "Looking for the server…", parts: [] };
  const nodes = Object.entries(report.nodes ?? {});
  for (const [id, node] of nodes) if (node.state !== "ready") waited.set(id, node.about);
  const parts = nodes
    .filter(([id]) => waited.has(id))
    .map(([id, node]) => ({ ...node, name: PARTS[id] ?? id, about: node.about || waited.get(id) }));
  if (report.status === "ok") return { ready: true, text: "Start talking", parts: [] };
  if (report.status === "ending") return { ready: false, text: "The server is about to stop", parts: [] };
  const failed = parts.find((part) => part.state === "failed");
  if (report.status === "failed") {
    return { ready: false, text: failed ? `Could not load ${failed.name}` : "The server could not start", parts };
  }
  const loading = parts.find((part) => part.state === "loading");
  if (!loading) return { ready: false, text: "Getting ready…", parts };
  const share = loading.progress ? ` ${Math.round(loading.progress * 100)} %` : "";
  return { ready: false, text: `Loading ${loading.name}…${share}`, parts };
}
