/** The mouth and the head of somebody who speaks: jaw, lips and vowels of the sound being heard, and small gestures. */

import { Spring } from "./spring.js";

const TALK_MS = 260; // silence shorter than this still counts as talking
const VOICED = 0.03; // opening from which on there is a voice
const PHRASE_MS = 350; // after a pause this long the head takes a new pose
// What a vowel does to the lips: share of the jaw's opening, width (-1 round .. 1 spread), corners (-1 .. 1)
const VOWELS = { a: [1, 0.05, 0.1], i: [0.5, 0.85, 0.35], u: [0.45, -1, -0.2], e: [0.72, 0.5, 0.25], o: [0.85, -0.75, -0.1] };
export const VOWEL_IDS = { a: "ParamA", i: "ParamI", u: "ParamU", e: "ParamE", o: "ParamO" };

export class Voice {
  #speech = { open: 0, form: 0 };
  #vowels = null;
  #jaw = new Spring(0, 75);
  #lips = new Spring(0, 45);
  #corners = new Spring(0, 45);
  #talk = new Spring(0, 9);
  #stress = new Spring(0, 7);
  #pose = { x: new Spring(0, 4), z: new Spring(0, 4), goal: { x: 0, z: 0 } };
  #shapes = Object.fromEntries(Object.keys(VOWELS).map((name) => [name, new Spring(0, 55)]));
  #spokeAt = -Infinity;

  constructor(random = Math.random) {
    this.random = random;
  }

  /** The sound being heard: open 0..1, form -1..1; vowels {a, i, u, e, o} 0..1, or null where nothing tells them. */
  hear(open, form, vowels = null) {
    this.#speech = { open: clamp(open, 0, 1) || 0, form: clamp(form, -1, 1) || 0 };
    this.#vowels = vowels;
  }

  /** Silence, now. */
  cut() {
    this.hear(0, 0);
    this.#jaw = new Spring(0, this.#jaw.speed);
    for (const name of Object.keys(VOWELS)) this.#shapes[name] = new Spring(0, this.#shapes[name].speed);
    this.#spokeAt = -Infinity;
  }

  /**
   * {talking, talk 0..1, open, wide, corners, vowels {a…o}, head {x, y, z}, brow} at `now`.
   * `open` is the jaw as the vowel shapes it; `vowels` say the same to models with one parameter for each.
   */
  step(now, seconds) {
    const { open, form } = this.#speech;
    const voiced = open > VOICED;
    if (voiced && now - this.#spokeAt > PHRASE_MS) this.#newPhrase();
    if (voiced) this.#spokeAt = now;
    const talking = now - this.#spokeAt < TALK_MS;
    if (now - this.#spokeAt > 2 * PHRASE_MS) this.#pose.goal = { x: 0, z: 0 };
    const talk = this.#talk.step(talking ? 1 : 0, seconds);
    const shape = this.#shape(open, voiced ? form : 0);
    const jaw = this.#jaw.step(shape.open, seconds);
    const stress = this.#stress.step(open, seconds);
    const accent = Math.max(0, jaw - stress); // louder than it was: a beat
    return {
      talking,
      talk,
      open: jaw,
      wide: this.#lips.step(shape.wide, seconds),
      corners: this.#corners.step(shape.corners, seconds),
      vowels: this.#single(open, seconds),
      head: {
        x: this.#pose.x.step(this.#pose.goal.x, seconds),
        y: talk * (3.2 * (jaw - 0.2) - 5 * accent),
        z: this.#pose.z.step(this.#pose.goal.z, seconds),
      },
      brow: 0.16 * jaw + 0.3 * accent,
    };
  }

  #shape(open, form) {
    const sum = this.#vowels ? Object.keys(VOWELS).reduce((all, name) => all + (this.#vowels[name] ?? 0), 0) : 0;
    if (sum < VOICED) return { open, wide: form, corners: 0 };
    const mean = (index) => {
      return Object.entries(VOWELS).reduce((all, [name, of]) => all + of[index] * (this.#vowels[name] ?? 0), 0) / sum;
    };
    return { open: open * mean(0), wide: mean(1), corners: mean(2) };
  }

  /** The weight of each vowel, for models that have them; an opening without a vowel is an A. */
  #single(open, seconds) {
    const told = this.#vowels ?? { a: open };
    const shapes = Object.entries(this.#shapes);
    return Object.fromEntries(shapes.map(([name, spring]) => [name, spring.step(told[name] ?? 0, seconds)]));
  }

  #newPhrase() {
    this.#pose.goal = { x: 8 * (this.random() - 0.5), z: 7 * (this.random() - 0.5) };
  }
}

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
