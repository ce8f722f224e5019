/**
 * The avatar's life: semantic channels in (mouth, expression, motion, gaze, mode), Cubism parameters out.
 *
 * A renderer offers `ids`, `range(id)` -> {min, max, rest}, `draw(values, seconds)` with a Map from id to value,
 * `mark(name, value)` for states worth showing in the DOM, and `face()` -> {x, y} in client pixels.
 */

import { EXPRESSIONS, POSES } from "./expressions.js";
import { Idle } from "./idle.js";
import { MOTIONS, length, sample } from "./motions.js";
import { Spring } from "./spring.js";

const GASP_MS = 1300; // an expression holds a silent mouth open no longer than this
const TALK_MS = 260; // silence shorter than this still counts as talking
const SPEED = { quick: 38, brisk: 17, calm: 9 }; // rad/s
const QUICK = /^ParamEyeBall[XY]$/;
const BRISK = /^Param(Eye|Brow|Mouth)/;
const EYES = ["ParamEyeLOpen", "ParamEyeROpen"];

export class Avatar {
  #springs = new Map();
  #faces = new Map(); // expression name -> {weight, goal, rate per ms}
  #motion = null;
  #gasp = null;
  #speech = { open: 0, form: 0 };
  #jaw = new Spring(0, 75);
  #lips = new Spring(0, 45);
  #talk = new Spring(0, 9);
  #spokeAt = -Infinity;
  #pose = "idle";
  #shown = "neutral";
  #now = 0;

  constructor(renderer, idle = new Idle()) {
    this.renderer = renderer;
    this.idle = idle;
    for (const id of renderer.ids) {
      const speed = QUICK.test(id) ? SPEED.quick : BRISK.test(id) ? SPEED.brisk : SPEED.calm;
      this.#springs.set(id, new Spring(renderer.range(id).rest, speed));
    }
    renderer.mark("expression", this.#shown);
    renderer.mark("motion", "");
  }

  /** Fade to a named face: weight 0..1, over `ms`. An unknown name changes nothing. */
  expression(name, weight = 1, ms = 300) {
    if (!Object.hasOwn(EXPRESSIONS, name)) {
      console.warn(`vaidol: no expression ${name}`);
      return;
    }
    const rate = 1 / Math.max(ms, 1);
    for (const face of this.#faces.values()) Object.assign(face, { goal: 0, rate });
    const weightNow = this.#faces.get(name)?.weight ?? 0;
    this.#faces.set(name, { weight: weightNow, goal: clamp(weight, 0, 1), rate });
    const { gasp } = EXPRESSIONS[name];
    this.#gasp = gasp ? { open: gasp * clamp(weight, 0, 1), until: this.#now + GASP_MS } : null;
    this.#shown = name;
    this.renderer.mark("expression", name);
  }

  motion(name) {
    if (!Object.hasOwn(MOTIONS, name)) {
      console.warn(`vaidol: no motion ${name}`);
      return;
    }
    this.#motion = { curves: MOTIONS[name], start: this.#now, end: this.#now + length(MOTIONS[name]) };
    this.renderer.mark("motion", name);
  }

  /** Shape of the mouth for the sound being heard: open 0..1, form -1 (round) .. 1 (wide). */
  mouth(open, form) {
    this.#speech = { open: clamp(open, 0, 1) || 0, form: clamp(form, -1, 1) || 0 };
  }

  /** The conversation's state: idle | listening | thinking | speaking. */
  mode(name) {
    this.#pose = name;
    this.renderer.mark("mode", name);
  }

  /** A point on the screen worth looking at, client pixels. */
  lookAt(x, y) {
    const face = this.renderer.face();
    const reach = Math.max(innerWidth, innerHeight) * 0.45;
    this.idle.lookAt(clamp((x - face.x) / reach, -1, 1), clamp((face.y - y) / reach, -1, 1), this.#now);
  }

  /** Silence, now: the mouth shuts within this frame. */
  cut() {
    this.#speech = { open: 0, form: 0 };
    this.#gasp = null;
    this.#jaw = new Spring(0, this.#jaw.speed);
    this.#spokeAt = -Infinity;
    this.#springs.set("ParamMouthOpenY", new Spring(0, SPEED.brisk));
  }

  /** Compose one picture; `now` in ms. */
  frame(now) {
    const seconds = clamp((now - this.#now) / 1000, 0, 0.1);
    this.#now = now;
    const life = this.idle.frame(now);
    const talking = this.#talking();
    const goals = this.#goals(life, seconds * 1000);
    if (talking || now > this.#gasp?.until) this.#gasp = null; // the voice has the mouth, and shuts it at its end
    if (this.#gasp) goals.set("ParamMouthOpenY", this.#gasp.open);
    const values = new Map();
    for (const [id, spring] of this.#springs) values.set(id, spring.step(goals.get(id), seconds));
    this.#speak(values, seconds, talking);
    this.#live(values, life);
    this.#move(values, now);
    for (const [id, value] of values) {
      const { min, max } = this.renderer.range(id);
      values.set(id, clamp(value, min, max));
    }
    this.renderer.draw(values, seconds);
  }

  /** Where every slow parameter wants to go: rest + pose + expressions + gaze. */
  #goals(life, ms) {
    const goals = new Map(this.renderer.ids.map((id) => [id, this.renderer.range(id).rest]));
    const add = (id, value) => goals.has(id) && goals.set(id, goals.get(id) + value);
    let calm = 1; // an expression that turns the eyes leaves less to the gaze
    for (const [id, value] of Object.entries(POSES[this.#pose] ?? {})) add(id, value);
    for (const [name, face] of this.#faces) {
      face.weight += clamp(face.goal - face.weight, -face.rate * ms, face.rate * ms);
      if (face.goal === 0 && face.weight === 0) this.#faces.delete(name);
      for (const [id, value] of Object.entries(EXPRESSIONS[name].params)) add(id, value * face.weight);
      if ("ParamEyeBallX" in EXPRESSIONS[name].params) calm -= 0.8 * face.weight;
    }
    const look = (axis) => clamp(calm, 0, 1) * life.gaze[axis] + life.saccade[axis];
    add("ParamEyeBallX", 0.85 * look("x"));
    add("ParamEyeBallY", 0.7 * look("y"));
    add("ParamAngleX", 17 * life.gaze.x + life.sway.x);
    add("ParamAngleY", 13 * life.gaze.y + life.sway.y);
    add("ParamAngleZ", 3 * life.gaze.x * life.gaze.y + life.sway.z);
    add("ParamBodyAngleX", 4 * life.gaze.x + 0.8 * life.sway.x);
    add("ParamBodyAngleZ", 0.7 * life.sway.z);
    return goals;
  }

  #talking() {
    if (this.#speech.open > 0.03) this.#spokeAt = this.#now;
    return this.#now - this.#spokeAt < TALK_MS;
  }

  #speak(values, seconds, talking) {
    const { open, form } = this.#speech;
    const talk = this.#talk.step(talking ? 1 : 0, seconds);
    const jaw = this.#jaw.step(open, seconds);
    const lips = this.#lips.step(open > 0.03 ? form : 0, seconds);
    put(values, "ParamMouthOpenY", Math.max(jaw, values.get("ParamMouthOpenY") ?? 0));
    add(values, "ParamMouthWave", -talk * (values.get("ParamMouthWave") ?? 0));
    if (values.has("ParamMouthPuckerWiden")) add(values, "ParamMouthPuckerWiden", lips);
    else add(values, "ParamMouthForm", 0.6 * lips);
    add(values, "ParamAngleY", 3.2 * talk * (jaw - 0.2)); // the head goes a little with the voice
    add(values, "ParamBrowLY", 0.18 * jaw);
    add(values, "ParamBrowRY", 0.18 * jaw);
    this.renderer.mark("mouthOpen", jaw < 0.005 ? "0" : jaw.toFixed(2));
  }

  #live(values, life) {
    const shut = [...this.#faces].some(([name, face]) => EXPRESSIONS[name].shut && face.goal > 0.5);
    for (const id of EYES) if (values.has(id) && !shut) put(values, id, Math.max(0, values.get(id)) * (1 - life.blink));
    put(values, "ParamBreath", life.breath);
  }

  #move(values, now) {
    if (!this.#motion) return;
    if (now > this.#motion.end) {
      this.#motion = null;
      this.renderer.mark("motion", "");
      return;
    }
    const { curves, start } = this.#motion;
    for (const [id, curve] of Object.entries(curves)) add(values, id, sample(curve, now - start));
  }
}

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

function put(values, id, value) {
  if (values.has(id)) values.set(id, value);
}

function add(values, id, more) {
  if (values.has(id)) values.set(id, values.get(id) + more);
}
