/** One call: peer connection, two data channels, heartbeat, and a new connection when the old one dies. */

import { CallRefused, firstCandidate, parse, post, refusal } from "./signal.js";
import { Ticket } from "./ticket.js";
import { whoami } from "./whoami.js";

const PING_MS = 2000;
const PINGS_LOST = 3; // 6 s of silence: the peer is gone
const DISCONNECTED_MS = 3000; // WebRTC often recovers from "disconnected" by itself within this
const BACKOFF_MS = [250, 500, 1000, 2000, 4000];
const SIGNAL_MS = 15_000;
const OPEN_MS = 10_000;

/**
 * Events: `status` {status, attempt}, `message` (a server message, parsed), `receiver` (the audio receiver),
 * `stream` (the remote MediaStream), `failure` {message}.
 * status: idle | connecting | live | reconnecting.
 */
export class Call extends EventTarget {
  #peer = null;
  #channel = null;
  #location = null;
  #ticket = new Ticket();
  #microphone = null;
  #timers = new Set();
  #attempt = 0;
  #epoch = 0; // events of an older connection are ignored
  #unanswered = 0;
  #muted = false;
  status = "idle";

  constructor(base = document.baseURI) {
    super();
    this.base = base;
    addEventListener("pagehide", () => this.hangUp());
    addEventListener("online", () => this.status === "reconnecting" && this.#reconnect(0));
  }

  get muted() {
    return this.#muted;
  }

  get hasMicrophone() {
    return this.#microphone !== null;
  }

  /** Call the server with `microphone` (a MediaStreamTrack), or only listen and type with null. */
  async start(microphone) {
    this.#microphone = microphone;
    this.#attempt = 0;
    this.#muted = false;
    this.#status("connecting");
    const epoch = this.#epoch;
    await this.#ticket.find();
    if (epoch === this.#epoch) await this.#connect();
  }

  /** Put a microphone into a running call, which needs a new connection to the same session. */
  useMicrophone(microphone) {
    this.#microphone = microphone;
    this.#drop();
    this.#reconnect(0);
  }

  /** The microphone's track has ended by itself; the call goes on without. */
  loseMicrophone() {
    this.#microphone = null;
  }

  send(message) {
    if (this.#channel?.readyState !== "open") return false;
    this.#channel.send(JSON.stringify(message));
    return true;
  }

  mute(on) {
    this.#muted = on;
    if (this.#microphone) this.#microphone.enabled = !on;
    this.send({ t: "mute", on });
  }

  /** End the call and tell the server, also while the page is being closed. */
  hangUp() {
    if (this.status === "idle") return;
    this.#drop();
    if (this.#location) fetch(this.#location, { method: "DELETE", keepalive: true }).catch(() => {});
    this.#location = null;
    this.#ticket.drop();
    this.#microphone?.stop();
    this.#microphone = null;
    this.#status("idle");
  }

  async #connect() {
    const epoch = ++this.#epoch;
    const peer = new RTCPeerConnection({ iceServers: [] });
    this.#peer = peer;
    try {
      this.#prepare(peer, epoch);
      await peer.setLocalDescription();
      await firstCandidate(peer);
      if (epoch !== this.#epoch) return;
      const answer = await this.#offer(peer.localDescription.sdp, epoch);
      if (epoch !== this.#epoch) return;
      await peer.setRemoteDescription({ type: "answer", sdp: answer });
      this.#after(OPEN_MS, () => this.#lost(epoch, "no answer over the network"));
    } catch (fault) {
      if (epoch === this.#epoch) this.#notConnected(fault);
    }
  }

  #prepare(peer, epoch) {
    if (this.#microphone) {
      const stream = new MediaStream([this.#microphone]);
      peer.addTransceiver(this.#microphone, { direction: "sendrecv", streams: [stream] });
    } else {
      peer.addTransceiver("audio", { direction: "recvonly" });
    }
    const state = peer.createDataChannel("state", { ordered: true });
    const mouth = peer.createDataChannel("mouth", { ordered: false, maxRetransmits: 0 });
    this.#channel = state;
    peer.ontrack = (event) => {
      this.#emit("receiver", event.receiver);
      this.#emit("stream", event.streams[0] ?? new MediaStream([event.track]));
    };
    peer.onconnectionstatechange = () => this.#watch(peer, epoch);
    state.onopen = () => epoch === this.#epoch && this.#opened(epoch);
    state.onclose = () => this.#lost(epoch, "the server closed the connection");
    state.onmessage = (event) => epoch === this.#epoch && this.#receive(event.data);
    mouth.onmessage = state.onmessage;
  }

  async #offer(sdp, epoch) {
    const headers = { "Content-Type": "application/sdp" };
    if (this.#ticket.token) headers["X-Vaidol-Session"] = this.#ticket.token;
    const signal = AbortSignal.timeout(SIGNAL_MS);
    const { response, body } = await post(new URL("whip", this.base), { method: "POST", headers, body: sdp, signal });
    if (!response.ok) throw refusal(response.status, body);
    const location = response.headers.get("Location");
    const resource = location ? new URL(location, response.url) : null;
    if (epoch === this.#epoch) this.#location = resource;
    else if (resource) fetch(resource, { method: "DELETE", keepalive: true }).catch(() => {});
    return body;
  }

  #opened(epoch) {
    this.#clearTimers();
    this.#attempt = 0;
    this.#unanswered = 0;
    this.send({ t: "hello", v: 1, user: whoami() });
    if (this.#muted) this.mute(true);
    this.#ping(epoch, 1);
    this.#status("live");
  }

  #ping(epoch, n) {
    if (epoch !== this.#epoch) return;
    if (this.#unanswered >= PINGS_LOST) {
      this.#lost(epoch, "the server went silent");
      return;
    }
    this.#unanswered += 1;
    this.send({ t: "ping", n });
    this.#after(PING_MS, () => this.#ping(epoch, n + 1));
  }

  #receive(text) {
    const message = parse(text);
    if (!message) return;
    this.#unanswered = 0;
    if (message.t === "ping") this.send({ t: "pong", n: message.n });
    if (message.t === "hello") this.#ticket.keep(message.token ?? null);
    this.#emit("message", message);
  }

  #watch(peer, epoch) {
    if (peer.connectionState === "failed") this.#lost(epoch, "the network path broke");
    if (peer.connectionState === "disconnected") {
      this.#after(DISCONNECTED_MS, () => {
        if (peer.connectionState === "disconnected") this.#lost(epoch, "the network path broke");
      });
    }
  }

  #lost(epoch, why) {
    if (epoch !== this.#epoch || this.status === "idle") return;
    console.info(`vaidol: connection lost: ${why}`);
    this.#reconnect();
  }

  #notConnected(fault) {
    const first = this.status === "connecting";
    if (fault instanceof CallRefused && !fault.retry && this.#ticket.token) {
      this.#ticket.drop(); // the session is gone: ask for a new one
      this.#reconnect();
    } else if (first || (fault instanceof CallRefused && !fault.retry)) {
      this.hangUp();
      this.#emit("failure", { message: plain(fault) });
    } else {
      this.#reconnect();
    }
  }

  #reconnect(wait = BACKOFF_MS[Math.min(this.#attempt, BACKOFF_MS.length - 1)]) {
    this.#drop();
    this.#attempt += 1;
    this.#status("reconnecting");
    this.#after(wait, () => this.#connect());
  }

  /** Let go of the connection, but not of the session or the microphone. */
  #drop() {
    this.#epoch += 1;
    this.#clearTimers();
    this.#channel = null;
    this.#peer?.close();
    this.#peer = null;
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

  #status(status) {
    this.status = status;
    this.#emit("status", { status, attempt: this.#attempt });
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

function plain(fault) {
  if (fault instanceof CallRefused) return fault.message;
  return `The call could not be set up: ${fault.message}`;
}
