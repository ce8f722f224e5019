/** The WebSocket to the server: comes back by itself, answers every beat, hands messages on by their kind. */

const BACKOFF_MS = [250, 500, 1000, 2000, 4000];
const HEAD = 36; // bytes before the payload of a sound, see the server's `sounds.HEAD`

export class Feed extends EventTarget {
  #socket = null;
  #tries = 0;
  #wanted = null;
  #taps = new Map(); // edge -> listens

  constructor(url) {
    super();
    this.url = url;
    this.#open();
  }

  watch(session) {
    this.#wanted = session;
    this.#taps.clear();
    this.#send({ t: "watch", session });
  }

  tap(edge, listen = false) {
    this.#taps.set(edge, listen);
    this.#send({ t: "tap", edge, listen });
  }

  untap(edge) {
    this.#taps.delete(edge);
    this.#send({ t: "untap", edge });
  }

  #open() {
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onopen = () => {
      this.#tries = 0;
      this.#tell("state", "open");
      if (this.#wanted) this.#send({ t: "watch", session: this.#wanted });
      for (const [edge, listen] of this.#taps) this.#send({ t: "tap", edge, listen });
    };
    socket.onmessage = ({ data }) => (typeof data === "string" ? this.#take(data) : this.#sound(data));
    socket.onclose = ({ code }) => {
      if (socket !== this.#socket) return;
      this.#tell("state", code === 1008 ? "slow" : "closed");
      setTimeout(() => this.#open(), BACKOFF_MS[Math.min(this.#tries++, BACKOFF_MS.length - 1)]);
    };
  }

  #take(text) {
    const { n, news } = JSON.parse(text);
    this.#send({ t: "seen", n });
    for (const message of news) this.#tell(message.t, message);
  }

  #sound(buffer) {
    const view = new DataView(buffer);
    const [bins, columns] = [view.getUint16(32, true), view.getUint16(34, true)];
    const sound = {
      kind: view.getUint8(0), tap: view.getUint16(2, true), rate: view.getUint32(4, true),
      at: view.getFloat64(8, true), lost: view.getFloat64(16, true), rms: view.getFloat32(24, true),
      peak: view.getFloat32(28, true),
    };
    if (sound.kind === 1) {
      sound.bins = new Int8Array(buffer, HEAD, bins * 2);
      sound.columns = new Uint8Array(buffer, HEAD + bins * 2);
      sound.count = columns;
    } else sound.samples = new Int16Array(buffer.slice(HEAD));
    this.#tell("sound", sound);
  }

  #send(message) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
