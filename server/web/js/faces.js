/** Expressions that fade into each other: what each weighs now. */

import { EXPRESSIONS } from "./expressions.js";

const GASP_MS = 1300; // an expression holds a silent mouth open no longer than this
const RELEASE_MS = 500; // back to neutral after `hold`
const SHUT = -0.7; // a native expression that lowers the lids this far has closed the eyes

export class Faces {
  #faces = new Map(); // name -> {weight, goal, rate per ms, native: Map or null}
  #gasp = null;
  #release = Infinity;
  #renderer;
  shown = "neutral";

  constructor(renderer) {
    this.#renderer = renderer;
  }

  /** Take over another renderer: the face stays the same one. */
  use(renderer) {
    this.#renderer = renderer;
    for (const [name, face] of this.#faces) face.native = renderer.native(name);
  }

  /** Fade to a face over `ms`; `holdMs` > 0: back to neutral after it. False: there is no such face. */
  set(name, { weight, ms, holdMs }, now) {
    const native = this.#renderer.native(name);
    const drawn = Object.hasOwn(EXPRESSIONS, name);
    if (!native && !drawn) return false;
    const rate = 1 / Math.max(ms, 1);
    for (const face of this.#faces.values()) Object.assign(face, { goal: 0, rate });
    this.#faces.set(name, { weight: this.#faces.get(name)?.weight ?? 0, goal: weight, rate, native });
    const gasp = native ? 0 : EXPRESSIONS[name].gasp;
    this.#gasp = gasp ? { open: gasp * weight, until: now + GASP_MS } : null;
    this.#release = holdMs > 0 && name !== "neutral" ? now + ms + holdMs : Infinity;
    this.shown = name;
    return true;
  }

  /** Let `ms` pass. True when the face has just been let go. */
  step(ms, now) {
    for (const [name, face] of this.#faces) {
      const way = face.goal - face.weight;
      face.weight += Math.sign(way) * Math.min(Math.abs(way), face.rate * ms);
      if (face.goal === 0 && face.weight === 0) this.#faces.delete(name);
    }
    if (now > this.#gasp?.until) this.#gasp = null;
    if (now < this.#release) return false;
    this.set("neutral", { weight: 1, ms: RELEASE_MS, holdMs: 0 }, now);
    return true;
  }

  /** How far the face itself opens the mouth, 0..1; null: not at all. */
  get gasp() {
    return this.#gasp?.open ?? null;
  }

  quiet() {
    this.#gasp = null;
  }

  /** Offsets of the faces that the engine makes: add(id, value). */
  each(add) {
    for (const [name, { weight, native }] of this.#faces) {
      if (native) continue;
      for (const [id, value] of Object.entries(EXPRESSIONS[name].params)) add(id, value * weight);
    }
  }

  /** Weights of the faces that the renderer makes, eased. */
  get native() {
    const ours = [...this.#faces].filter(([, face]) => face.native);
    return new Map(ours.map(([name, { weight }]) => [name, 0.5 - 0.5 * Math.cos(Math.PI * weight)]));
  }

  /** What is left for the gaze, 0..1: an expression that turns the eyes keeps them. */
  get calm() {
    let calm = 1;
    for (const [name, { weight, native }] of this.#faces) {
      const turns = native ? native.has("ParamEyeBallX") : "ParamEyeBallX" in EXPRESSIONS[name].params;
      if (turns) calm -= 0.8 * weight;
    }
    return Math.max(0, calm);
  }

  /** Whether a face keeps the eyes closed, so that nothing blinks. */
  get shut() {
    return [...this.#faces].some(([name, { goal, native }]) => {
      return goal > 0.5 && (native ? native.get("ParamEyeLOpen") <= SHUT : EXPRESSIONS[name].shut);
    });
  }
}
