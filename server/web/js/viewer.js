/** Watching a session: a connection that only receives, and comes back for ever. */

import { Peer, leave, pass } from "./peer.js";

const BACKOFF_MS = [250, 500, 1000, 2000];

/** Events: `message` (parsed), `receiver`, `stream`, `status` {status: connecting | live | waiting}. */
export class Viewer extends EventTarget {
  #peer = null;
  #timer = null;
  #attempt = 0;
  status = "waiting";

  /** @param session id of the session to watch; empty: the newest */
  constructor(session = "", base = document.baseURI) {
    super();
    this.url = new URL("whep", base);
    if (session) this.url.searchParams.set("session", session);
    addEventListener("pagehide", () => this.#leave());
    addEventListener("online", () => this.status === "waiting" && this.#again(0));
  }

  start() {
    this.#connect();
  }

  async #connect() {
    this.#status("connecting");
    const peer = (this.#peer = new Peer());
    peer.addEventListener("open", () => this.#opened(peer));
    peer.addEventListener("lost", () => this.#lost());
    pass(peer, this);
    peer.addEventListener("message", ({ detail }) => detail.t === "error" && detail.fatal && this.#lost());
    try {
      await peer.connect(this.url);
    } catch (fault) {
      console.info(`vaidol: not connected: ${fault.message}`);
      this.#lost();
    }
  }

  #opened(peer) {
    this.#attempt = 0;
    peer.send({ t: "hello", v: 1 });
    this.#status("live");
  }

  #lost() {
    this.#again(BACKOFF_MS[Math.min(this.#attempt++, BACKOFF_MS.length - 1)]);
  }

  #again(wait) {
    this.#peer.close();
    clearTimeout(this.#timer);
    this.#status("waiting");
    this.#timer = setTimeout(() => this.#connect(), wait);
  }

  #leave() {
    leave(this.#peer.location);
    this.#peer.close();
  }

  #status(status) {
    this.status = status;
    this.dispatchEvent(new CustomEvent("status", { detail: { status } }));
  }
}
