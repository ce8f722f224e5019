/** What a living face does by itself: blink, breathe, glance, sway. */

const BLINK_MS = { close: 75, hold: 35, open: 130 };
const BREATH_MS = 3600;
const GAZE_MS = 5000; // how long the eyes stay on a pointer that has stopped
const GLANCE_MS = { every: [4500, 11000], stay: [600, 1500] }; // looking aside, when nobody needs an eye on them

export class Idle {
  #blinkAt = 1500;
  #saccadeAt = 0;
  #saccade = { x: 0, y: 0 };
  #pointer = null;
  #told = null; // a gaze that the server asked for
  #eyes = { x: 0, y: 0 };
  #glance = { x: 0, y: 0, from: Infinity, until: Infinity };
  #calm = matchMedia("(prefers-reduced-motion: reduce)");

  constructor(random = Math.random) {
    this.random = random;
    this.attentive = false; // somebody speaks to it: it keeps its eyes on them
  }

  /** Look towards (x, y), each -1..1, for a while. */
  lookAt(x, y, now) {
    this.#pointer = { x, y, until: now + GAZE_MS };
  }

  /** Look to (x, y) over `ms`, for `holdMs` (0: until told otherwise), whatever the pointer does; null: let go. */
  gaze(x, y, ms, holdMs, now) {
    if (x === null || y === null) this.#told = null;
    else this.#told = { x, y, from: { ...this.#eyes }, start: now, ms, until: holdMs > 0 ? now + ms + holdMs : Infinity };
  }

  /** {blink: 0 open..1 shut, breath: 0..1, gaze {x, y}: -1..1, saccade {x, y}, sway {x, y, z}: degrees} */
  frame(now) {
    this.#eyes = this.#look(now);
    return {
      blink: this.#blink(now),
      breath: 0.5 - 0.5 * Math.cos((2 * Math.PI * now) / BREATH_MS),
      gaze: this.#eyes,
      saccade: this.#jump(now),
      sway: this.#calm.matches ? { x: 0, y: 0, z: 0 } : sway(now / 1000),
    };
  }

  /** At what it was told to, else at the pointer, else at the viewer. */
  #look(now) {
    if (now >= this.#told?.until) this.#told = null;
    if (!this.#told) return this.#pointer && now < this.#pointer.until ? this.#pointer : this.#aside(now);
    const { from, start, ms, x, y } = this.#told;
    const part = Math.min(1, (now - start) / Math.max(ms, 1));
    return { x: from.x + (x - from.x) * part, y: from.y + (y - from.y) * part };
  }

  /** At the viewer, and now and then aside. */
  #aside(now) {
    const between = ([low, high]) => low + (high - low) * this.random();
    if (this.#glance.until === Infinity || now >= this.#glance.until) {
      const from = now + between(GLANCE_MS.every);
      const [x, y] = [(this.random() < 0.5 ? -1 : 1) * between([0.25, 0.55]), between([-0.2, 0.35])];
      this.#glance = { x, y, from, until: from + between(GLANCE_MS.stay) };
    }
    const looks = now >= this.#glance.from && !this.attentive && !this.#calm.matches;
    return looks ? this.#glance : { x: 0, y: 0 };
  }

  #blink(now) {
    const { close, hold, open } = BLINK_MS;
    const since = now - this.#blinkAt;
    if (since < 0) return 0;
    if (since < close) return since / close;
    if (since < close + hold) return 1;
    if (since < close + hold + open) return 1 - (since - close - hold) / open;
    const twice = this.random() < 0.16;
    this.#blinkAt = now + (twice ? 90 : 1800 + 3800 * this.random());
    return 0;
  }

  #jump(now) {
    if (now >= this.#saccadeAt) {
      this.#saccadeAt = now + 700 + 1900 * this.random();
      this.#saccade = { x: 0.16 * (this.random() - 0.5), y: 0.1 * (this.random() - 0.5) };
    }
    return this.#saccade;
  }
}

/** Slow wandering that never quite repeats. */
function sway(seconds) {
  return {
    x: 2.2 * Math.sin(seconds * 0.53) + 1.3 * Math.sin(seconds * 0.91 + 1),
    y: 1.3 * Math.sin(seconds * 0.67 + 2) + 0.8 * Math.sin(seconds * 1.13),
    z: 1.6 * Math.sin(seconds * 0.41 + 0.5) + 0.8 * Math.sin(seconds * 0.79 + 3),
  };
}
