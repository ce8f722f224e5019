/** The avatar's commands, each done when its sound is heard: shared by the page of the call and the pages that watch. */

import { MouthTrack, TimedQueue, ahead } from "./timing.js";

const finite = (value, otherwise) => (Number.isFinite(value) ? value : otherwise);

export class Show {
  #queue = new TimedQueue();
  #mouth = new MouthTrack();
  #vowels = new MouthTrack(["a", "i", "u", "e", "o"], null);
  #cut = null; // {turn, at} of the reply that was cut last

  constructor(avatar, clock) {
    this.avatar = avatar;
    this.clock = clock;
  }

  /** What the server says to the avatar, by the message's `t`. */
  heard = {
    sync: ({ origin }) => {
      if (Number.isFinite(origin)) this.clock.sync(origin);
    },
    mouth: (message) => {
      const { at, step, open, form } = message;
      const sound = Number.isFinite(at) && step > 0 && Array.isArray(open);
      if (!sound || this.late(message)) return;
      this.clock.note(at);
      this.#mouth.push({ at, step, open, form: Array.isArray(form) ? form : [] });
    },
    viseme: (message) => {
      const { at, step, a } = message;
      const whole = this.#vowels.fields.every((name) => Array.isArray(message[name]) && message[name].length === a.length);
      if (Number.isFinite(at) && step > 0 && whole && !this.late(message)) this.#vowels.push(message);
    },
    expression: (message) => {
      const { name, weight, ms, hold_ms: hold } = message;
      this.later(message, () => this.avatar.expression(name, finite(weight, 1), finite(ms, 300), finite(hold, 0)));
    },
    motion: (message) => {
      this.later(message, () => this.avatar.motion(message));
    },
    param: (message) => {
      const { id, value, weight, ms, hold_ms: hold } = message;
      if (!Number.isFinite(value)) return;
      this.later(message, () => this.avatar.param(id, value, finite(weight, 1), finite(ms, 300), finite(hold, 0)));
    },
    gaze: (message) => {
      const { x, y, ms, hold_ms: hold } = message;
      this.later(message, () => this.avatar.gaze(finite(x, null), finite(y, null), finite(ms, 300), finite(hold, 0)));
    },
  };

  /** Whether a message of a reply that was cut comes after its own cut: the channels do not keep each other's order. */
  late({ turn, at }) {
    if (this.#cut === null) return false;
    return turn === undefined ? at > 0 && ahead(at, this.#cut.at) <= 0 : turn === this.#cut.turn;
  }

  /** Wait for the sound this command belongs to; without one (at 0 or none) it is for now. */
  later(message, act) {
    if (this.late(message)) return;
    if (!(message.at > 0)) act();
    else {
      this.clock.note(message.at);
      this.#queue.push(message.at, act);
    }
  }

  /** After all that waits now. */
  last(act) {
    if (this.#queue.last === null) act();
    else this.#queue.push(this.#queue.last, act);
  }

  /** The reply ends here: forget what waits, shut the mouth. */
  cut({ turn, at }) {
    this.#cut = { turn, at: finite(at, this.clock.media() ?? 0) };
    this.silence();
  }

  /** Another session: its samples are counted anew. */
  begin() {
    this.#cut = null;
  }

  silence() {
    this.#queue.clear();
    this.#mouth.clear();
    this.#vowels.clear();
    this.clock.forget();
    this.avatar.cut();
  }

  /** Do what is due by the sound being heard. */
  advance() {
    const media = this.clock.media();
    if (media === null) return;
    for (const act of this.#queue.take(media)) act();
    const { open, form } = this.#mouth.read(media);
    this.avatar.mouth(open, form, this.#vowels.read(media));
  }
}
