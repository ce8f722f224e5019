/** One call: a connection to a session, and a new connection when the old one dies. */

import { Peer, leave, pass } from "./peer.js";
import { CallRefused } from "./signal.js";
import { Ticket } from "./ticket.js";
import { remembers, whoami } from "./whoami.js";

const BACKOFF_MS = [250, 500, 1000, 2000, 4000];

/**
 * Events: `status` {status, attempt}, `message` (a server message, parsed), `receiver` (the audio receiver),
 * `stream` (the remote MediaStream), `failure` {message}.
 * status: idle | connecting | live | reconnecting.
 */
export class Call extends EventTarget {
  #peer = null;
  #location = null; // of the newest connection, also when that is lost
  #ticket = new Ticket();
  #microphone = null;
  #timer = null; // of the next connection
  #attempt = 0;
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
    await this.#ticket.find();
    if (this.status === "connecting") await this.#connect();
  }

  /** Put a microphone into a running call, which needs a new connection to the same session. */
  useMicrophone(microphone) {
    this.#microphone = microphone;
    this.#reconnect(0);
  }

  /** The microphone's track has ended by itself; the call goes on without. */
  loseMicrophone() {
    this.#microphone = null;
  }

  send(message) {
    return this.#peer?.send(message) ?? false;
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
    leave(this.#location);
    this.#location = null;
    this.#ticket.drop();
    this.#microphone?.stop();
    this.#microphone = null;
    this.#status("idle");
  }

  async #connect() {
    this.#drop();
    const headers = this.#ticket.token ? { "X-Vaidol-Session": this.#ticket.token } : {};
    const peer = (this.#peer = new Peer(this.#microphone));
    peer.addEventListener("open", () => this.#opened());
    peer.addEventListener("lost", ({ detail }) => this.#lost(detail.why));
    peer.addEventListener("message", ({ detail }) => detail.t === "hello" && this.#ticket.keep(detail.token ?? null));
    pass(peer, this);
    try {
      await peer.connect(new URL("whip", this.base), headers);
    } catch (fault) {
      this.#notConnected(fault);
    }
  }

  #opened() {
    this.#attempt = 0;
    this.send({ t: "hello", v: 1, user: remembers() ? whoami() : "" });
    if (this.#muted) this.mute(true);
    this.#status("live");
  }

  #lost(why) {
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
    this.#timer = setTimeout(() => this.#connect(), wait);
  }

  /** Let go of the connection, but not of the session or the microphone. */
  #drop() {
    clearTimeout(this.#timer);
    this.#location = this.#peer?.location ?? this.#location;
    this.#peer?.close();
    this.#peer = null;
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
