/** Watching a session: a connection that only receives, and comes back for ever. */

import { firstCandidate, parse, post, refusal } from "./signal.js";

const PING_MS = 2000;
const SILENT_MS = 6000; // without any message the server is gone
const SIGNAL_MS = 15_000;
const OPEN_MS = 10_000;
const BACKOFF_MS = [250, 500, 1000, 2000];

/** Events: `message` (parsed), `receiver`, `stream`, `status` {status: connecting | live | waiting}. */
export class Viewer extends EventTarget {
  #peer = null;
  #timers = new Set();
  #attempt = 0;
  #epoch = 0; // events of an older connection are ignored
  #location = null;
  #heardAt = 0;
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

  send(message) {
    if (this.channel?.readyState === "open") this.channel.send(JSON.stringify(message));
  }

  async #connect() {
    const epoch = ++this.#epoch;
    this.#tell("status", { status: (this.status = "connecting") });
    const peer = (this.#peer = new RTCPeerConnection({ iceServers: [] }));
    try {
      this.#prepare(peer, epoch);
      await peer.setLocalDescription();
      await firstCandidate(peer);
      if (epoch !== this.#epoch) return;
      const answer = await this.#offer(peer.localDescription.sdp, epoch);
      if (epoch !== this.#epoch) return;
      await peer.setRemoteDescription({ type: "answer", sdp: answer });
      this.#after(OPEN_MS, () => this.status !== "live" && this.#lost(epoch));
    } catch (fault) {
      console.info(`vaidol: not connected: ${fault.message}`);
      this.#lost(epoch);
    }
  }

  #prepare(peer, epoch) {
    peer.addTransceiver("audio", { direction: "recvonly" });
    const state = (this.channel = peer.createDataChannel("state", { ordered: true }));
    const mouth = peer.createDataChannel("mouth", { ordered: false, maxRetransmits: 0 });
    peer.ontrack = (event) => {
      this.#tell("receiver", event.receiver);
      this.#tell("stream", event.streams[0] ?? new MediaStream([event.track]));
    };
    peer.onconnectionstatechange = () => peer.connectionState === "failed" && this.#lost(epoch);
    state.onopen = () => epoch === this.#epoch && this.#opened(epoch);
    state.onclose = () => this.#lost(epoch);
    state.onmessage = mouth.onmessage = (event) => epoch === this.#epoch && this.#receive(event.data);
  }

  async #offer(sdp, epoch) {
    const headers = { "Content-Type": "application/sdp" };
    const signal = AbortSignal.timeout(SIGNAL_MS);
    const { response, body } = await post(this.url, { method: "POST", headers, body: sdp, signal });
    if (!response.ok) throw refusal(response.status, body);
    const location = response.headers.get("Location");
    if (epoch === this.#epoch && location) this.#location = new URL(location, response.url);
    return body;
  }

  #opened(epoch) {
    this.#attempt = 0;
    this.#heardAt = performance.now();
    this.send({ t: "hello", v: 1 });
    this.#ping(epoch, 1);
    this.#tell("status", { status: (this.status = "live") });
  }

  #ping(epoch, n) {
    if (epoch !== this.#epoch) return;
    if (performance.now() - this.#heardAt > SILENT_MS) {
      this.#lost(epoch);
      return;
    }
    this.send({ t: "ping", n });
    this.#after(PING_MS, () => this.#ping(epoch, n + 1));
  }

  #receive(text) {
    const message = parse(text);
    if (!message) return;
    this.#heardAt = performance.now();
    if (message.t === "ping") this.send({ t: "pong", n: message.n });
    this.#tell("message", message);
    if (message.t === "error" && message.fatal) this.#lost(this.#epoch);
  }

  #lost(epoch) {
    if (epoch === this.#epoch) this.#again(BACKOFF_MS[Math.min(this.#attempt++, BACKOFF_MS.length - 1)]);
  }

  #again(wait) {
    this.#epoch += 1;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#peer?.close();
    this.#peer = this.channel = null;
    this.#tell("status", { status: (this.status = "waiting") });
    this.#after(wait, () => this.#connect());
  }

  #leave() {
    if (this.#location) fetch(this.#location, { method: "DELETE", keepalive: true }).catch(() => {});
    this.#peer?.close();
  }

  #after(ms, action) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, ms);
    this.#timers.add(timer);
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
