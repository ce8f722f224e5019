/** What the avatar is shown: the camera or the screen, as one small picture with each turn. */

const SIDE = 768; // px, of the longer side
const QUALITIES = [0.7, 0.5, 0.3];
const MAX_BYTES = 200 * 1024;
const PAUSE_MS = 1500; // between two pictures while somebody speaks
const LOOK_MS = 250;
const LOUD = 0.4; // of the level meter: -36 dB
const SEND_MS = 3000;

const OPEN = {
  camera: () => navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 } } }),
  screen: () => navigator.mediaDevices.getDisplayMedia({ video: true }),
};
const REASONS = {
  camera: {
    NotAllowedError: "The camera is blocked. Allow it in the address bar.",
    NotFoundError: "No camera was found.",
    NotReadableError: "Another program is using the camera.",
  },
  screen: { NotAllowedError: null }, // the person chose nothing
};

/** Events: `trouble` {message}. Shows itself while a call is live with somebody who sees. */
export class Eyes extends EventTarget {
  #host;
  #call;
  #level;
  #video;
  #stream = null;
  #source = "";
  #session = null;
  #asking = null; // a token while the browser asks
  #looked = -Infinity;
  #looking = Promise.resolve();
  #timer = null;

  /**
   * @param {HTMLElement} host  its buttons carry data-show="camera", "screen" or "" (stop), beside a video
   * @param {import("./call.js").Call} call
   * @param {() => number} level  how loud the microphone is, 0..1
   */
  constructor(host, call, level) {
    super();
    this.#host = host;
    this.#call = call;
    this.#level = level;
    this.#video = host.querySelector("video");
    for (const button of host.querySelectorAll("button")) {
      const source = button.dataset.show;
      button.hidden = source === "screen" && !navigator.mediaDevices?.getDisplayMedia; // phones have none
      button.addEventListener("click", () => (source ? this.show(source) : this.stop()));
    }
    call.addEventListener("message", ({ detail }) => this.#told(detail));
    call.addEventListener("status", ({ detail }) => {
      if (detail.status === "idle") this.#see(false);
    });
  }

  get shows() {
    return this.#stream !== null;
  }

  /** Share the camera or the screen until `stop`, the browser's own button, or the end of the call. */
  async show(source) {
    const mine = (this.#asking = Symbol(source));
    try {
      if (!navigator.mediaDevices) throw new DOMException("only https pages and localhost may look", "SecurityError");
      const stream = await OPEN[source]();
      if (this.#asking !== mine) {
        for (const track of stream.getTracks()) track.stop();
        return;
      }
      this.stop();
      this.#begin(stream, source);
    } catch (fault) {
      if (this.#asking === mine) this.#refused(source, fault);
    }
  }

  stop() {
    this.#asking = null;
    if (this.#stream) this.#looking = this.#looking.then(() => this.#forget()); // behind a picture on its way
    clearInterval(this.#timer);
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.#video.srcObject = null;
    delete this.#host.dataset.shows;
  }

  /** Send what is to be seen now; returns when the server has it, or will not have it. Never throws. */
  look() {
    if (!this.#stream || !this.#session) return Promise.resolve();
    this.#looked = performance.now();
    this.#looking = this.#looking.then(() => this.#send()).catch((fault) => {
      if (this.#stream) this.#trouble(`The picture did not reach the server (${fault.message}).`);
    });
    return this.#looking;
  }

  #begin(stream, source) {
    this.#stream = stream;
    this.#source = source;
    this.#host.dataset.shows = source;
    this.#video.srcObject = stream;
    this.#video.dataset.source = source;
    this.#video.play().catch(() => {}); // it was stopped before its first picture
    stream.getVideoTracks()[0].onended = () => this.#stream === stream && this.stop();
    this.#timer = setInterval(() => this.#level() > LOUD && !this.#call.muted && this.#glance(), LOOK_MS);
  }

  /** Somebody speaks: the picture must be there before the words are understood. */
  #glance() {
    if (performance.now() - this.#looked >= PAUSE_MS) this.look();
  }

  #see(able) {
    this.#host.hidden = !able;
    if (!able) this.stop();
  }

  #told(message) {
    if (message.t === "sight") this.#see(message.able === true);
    if (message.t === "hello") this.#session = { id: message.session, token: message.token };
    if (message.t === "subtitle" && message.who === "user" && !message.final && this.#stream) this.#glance();
  }

  async #send() {
    const { id, token } = this.#session;
    const picture = await this.#picture();
    if (!picture || !this.#stream) return;
    const address = new URL(`api/sessions/${id}/image?source=${this.#source}`, this.#call.base);
    const headers = { "Content-Type": picture.type, "X-Vaidol-Session": token };
    const signal = AbortSignal.timeout(SEND_MS);
    const answer = await fetch(address, { method: "POST", headers, body: picture, signal });
    if (answer.ok || answer.status === 429) return; // a picture too many: the one before is young enough
    const { error } = await answer.json().catch(() => ({}));
    this.stop();
    this.#trouble(error?.message ? `The picture was refused: ${error.message}.` : `The picture was refused (${answer.status}).`);
  }

  /** Nothing is shown any more: the server forgets the last picture. Never throws. */
  #forget() {
    const { id, token } = this.#session;
    const address = new URL(`api/sessions/${id}/image`, this.#call.base);
    return fetch(address, { method: "DELETE", keepalive: true, headers: { "X-Vaidol-Session": token } }).catch(() => {});
  }

  /** One JPEG of what is shown; null while there is none yet. */
  async #picture() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    if (!width || !height) return null;
    const scale = Math.min(1, SIDE / Math.max(width, height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    canvas.getContext("2d").drawImage(this.#video, 0, 0, canvas.width, canvas.height);
    for (const quality of QUALITIES) {
      const blob = await new Promise((made) => canvas.toBlob(made, "image/jpeg", quality));
      if (blob && blob.size <= MAX_BYTES) return blob;
    }
    return null;
  }

  #refused(source, fault) {
    this.#asking = null;
    const known = REASONS[source];
    if (known[fault.name] === null) return;
    this.#trouble(known[fault.name] ?? `The ${source} cannot be shown (${fault.message}).`);
  }

  #trouble(message) {
    this.dispatchEvent(new CustomEvent("trouble", { detail: { message } }));
  }
}
