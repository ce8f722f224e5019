/** One connection to the server: offer and answer, two data channels, and a watch that tells when it is lost. */

import { firstCandidate, parse, post, refusal } from "./signal.js";

const PING_MS = 2000;
const PINGS_LOST = 3; // 6 s of silence: the server is gone
const DISCONNECTED_MS = 3000; // WebRTC often recovers from "disconnected" by itself within this
const SIGNAL_MS = 15_000;
const OPEN_MS = 10_000;

/**
 * Events: `open`, `message` (a server message, parsed), `receiver` (the audio receiver), `stream` (the remote
 * MediaStream), `lost` {why}. After close(), and after `lost`, which comes once, there are no more.
 */
export class Peer extends EventTarget {
  #rtc = new RTCPeerConnection({ iceServers: [] });
  #channel;
  #timers = new Set();
  #unanswered = 0;
  #closed = false;
  location = null; // of the call, as the server gave it

  /** @param microphone a MediaStreamTrack to send; null: only receive */
  constructor(microphone = null) {
    super();
    if (microphone) {
      this.#rtc.addTransceiver(microphone, { direction: "sendrecv", streams: [new MediaStream([microphone])] });
    } else {
      this.#rtc.addTransceiver("audio", { direction: "recvonly" });
    }
    this.#channel = this.#rtc.createDataChannel("state", { ordered: true });
    const mouth = this.#rtc.createDataChannel("mouth", { ordered: false, maxRetransmits: 0 });
    this.#channel.onopen = () => this.#opened();
    this.#channel.onclose = () => this.#lost("the server closed the connection");
    this.#channel.onmessage = mouth.onmessage = (event) => this.#receive(event.data);
    this.#rtc.ontrack = (event) => {
      this.#tell("receiver", event.receiver);
      this.#tell("stream", event.streams[0] ?? new MediaStream([event.track]));
    };
    this.#rtc.onconnectionstatechange = () => this.#watch();
  }

  /** Offer the connection at `url`; rejects with what the server or the browser said against it. */
  async connect(url, headers = {}) {
    try {
      await this.#rtc.setLocalDescription();
      await firstCandidate(this.#rtc);
      if (this.#closed) return;
      const answer = await this.#offer(url, headers);
      if (this.#closed) return;
      await this.#rtc.setRemoteDescription({ type: "answer", sdp: answer });
      this.#after(OPEN_MS, () => this.#lost("no answer over the network"));
    } catch (fault) {
      if (!this.#closed) throw fault;
    }
  }

  send(message) {
    if (this.#channel.readyState !== "open") return false;
    this.#channel.send(JSON.stringify(message));
    return true;
  }

  close() {
    this.#closed = true;
    this.#clearTimers();
    this.#rtc.close();
  }

  async #offer(url, headers) {
    const request = { method: "POST", body: this.#rtc.localDescription.sdp, signal: AbortSignal.timeout(SIGNAL_MS) };
    request.headers = { "Content-Type": "application/sdp", ...headers };
    const { response, body } = await post(url, request);
    if (!response.ok) throw refusal(response.status, body);
    const location = response.headers.get("Location");
    const resource = location ? new URL(location, response.url) : null;
    if (this.#closed) leave(resource);
    else this.location = resource;
    return body;
  }

  #opened() {
    if (this.#closed) return;
    this.#clearTimers();
    this.#tell("open");
    this.#ping(1);
  }

  #ping(n) {
    if (this.#unanswered >= PINGS_LOST) {
      this.#lost("the server went silent");
      return;
    }
    this.#unanswered += 1;
    this.send({ t: "ping", n });
    this.#after(PING_MS, () => this.#ping(n + 1));
  }

  #receive(text) {
    if (this.#closed) return;
    const message = parse(text);
    if (!message) return;
    this.#unanswered = 0;
    if (message.t === "ping") this.send({ t: "pong", n: message.n });
    this.#tell("message", message);
  }

  #watch() {
    const broken = () => this.#lost("the network path broke");
    if (this.#rtc.connectionState === "failed") broken();
    if (this.#rtc.connectionState === "disconnected") {
      this.#after(DISCONNECTED_MS, () => this.#rtc.connectionState === "disconnected" && broken());
    }
  }

  #lost(why) {
    if (this.#closed) return;
    this.close();
    this.#tell("lost", { why });
  }

  #after(ms, action) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, ms);
    this.#timers.add(timer);
  }

  #clearTimers() {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #tell(name, detail) {
    if (!this.#closed || name === "lost") this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** Tell the server that the call at `location` is over, also while the page is being closed. */
export function leave(location) {
  if (location) fetch(location, { method: "DELETE", keepalive: true }).catch(() => {});
}

/** Let `target` tell what `peer` tells of sound and messages. */
export function pass(peer, target) {
  for (const name of ["receiver", "stream", "message"]) {
    peer.addEventListener(name, ({ detail }) => target.dispatchEvent(new CustomEvent(name, { detail })));
  }
}
