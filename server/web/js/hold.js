/** Hold to talk: the microphone is open while the big button or the space bar is held, and closed otherwise. */

const KEY = "vaidol.hold";
const TAIL_MS = 150; // the last sound is on its way when the finger is up already
const TAKES_SPACE = "input, textarea, select, button, summary, a[href], [contenteditable], [tabindex]";

/** Events: `mode` (the way of talking changed), `talk` with true or false. */
export class Hold extends EventTarget {
  #button;
  #toggle;
  #on = localStorage.getItem(KEY) === "true";
  #held = false;
  #by = null; // the pointer or key that holds
  #ending = 0;

  constructor(button, toggle) {
    super();
    this.#button = button;
    this.#toggle = toggle;
    toggle.addEventListener("click", () => this.use(!this.#on));
    button.addEventListener("pointerdown", (event) => this.#down(event));
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
      button.addEventListener(name, (event) => this.#release(event.pointerId));
    }
    button.addEventListener("contextmenu", (event) => event.preventDefault()); // a long press on a touch screen
    addEventListener("keydown", (event) => this.#key(event));
    addEventListener("keyup", (event) => ["Space", "Enter"].includes(event.code) && this.#release(event.code));
    addEventListener("blur", () => this.end());
    document.addEventListener("visibilitychange", () => document.hidden && this.end());
    this.#show();
  }

  get on() {
    return this.#on;
  }

  get held() {
    return this.#held;
  }

  /** Whether there is a call with a microphone to talk into. */
  ready(on) {
    if (this.#button.disabled === !on) return;
    this.#button.disabled = !on;
    if (!on) this.end();
    else if (this.#on && document.activeElement?.id === "mute") this.#button.focus(); // where a call's focus begins
  }

  /** Hold to talk, or talk freely. */
  use(on) {
    this.end();
    this.#on = on;
    localStorage.setItem(KEY, String(on));
    this.#show();
    this.dispatchEvent(new CustomEvent("mode"));
    if (on) this.#button.focus();
  }

  /** Nothing is held any more. */
  end() {
    this.#release(this.#by);
  }

  #down(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.#button.focus();
    this.#button.setPointerCapture(event.pointerId);
    this.#begin(event.pointerId);
  }

  #key(event) {
    const mine = event.target === this.#button;
    const key = event.code === "Space" || (mine && event.code === "Enter");
    if (!key || event.ctrlKey || event.altKey || event.metaKey) return;
    if (!this.#on || (!mine && event.target.closest?.(TAKES_SPACE))) return;
    event.preventDefault(); // no scrolling, no click
    if (!event.repeat) this.#begin(event.code);
  }

  #begin(by) {
    if (!this.#on || this.#button.disabled || this.#by !== null) return;
    clearTimeout(this.#ending);
    this.#by = by;
    this.#say(true);
  }

  #release(by) {
    if (this.#by === null || by !== this.#by) return;
    this.#by = null;
    this.#button.dataset.held = "false";
    this.#ending = setTimeout(() => this.#say(false), TAIL_MS);
  }

  #say(held) {
    if (this.#held === held) return; // pressed again before the end
    this.#held = held;
    this.#show();
    this.dispatchEvent(new CustomEvent("talk", { detail: held }));
  }

  #show() {
    this.#toggle.setAttribute("aria-pressed", String(this.#on));
    this.#button.hidden = !this.#on;
    this.#button.dataset.held = String(this.#by !== null);
    this.#button.setAttribute("aria-pressed", String(this.#held));
    this.#button.querySelector("span").textContent = this.#held ? "Release to send" : "Hold to talk";
  }
}
