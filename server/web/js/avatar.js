/**
 * The avatar's life: commands in (mouth, expression, motion, parameter, gaze, mode), Cubism's standard parameters out.
 * What draws them is a renderer (renderer.js), which may be exchanged while the avatar lives.
 */

import { Clips } from "./clips.js";
import { EXPRESSIONS, POSES } from "./expressions.js";
import { Faces } from "./faces.js";
import { Holds } from "./holds.js";
import { Idle } from "./idle.js";
import { Spring } from "./spring.js";
import { VOWEL_IDS, Voice } from "./voice.js";

const SPEED = { quick: 38, brisk: 17, calm: 9 }; // rad/s
const QUICK = /^ParamEyeBall[XY]$/;
const BRISK = /^Param(Eye|Brow|Mouth)/;
const EYES = ["ParamEyeLOpen", "ParamEyeROpen"];
const REACTIONS = { head: ["shy", "tilt"], hair: ["joy", "tilt"], face: ["wink", "bounce"], hand: ["joy", "wave"], body: ["surprise", "bounce"] };
const REACTION_MS = 1600;

export class Avatar {
  #springs = new Map();
  #faces;
  #clips;
  #voice;
  #holds = new Holds();
  #pose = "idle";
  #cut = false;
  #now = 0;

  constructor(renderer, idle = new Idle()) {
    this.idle = idle;
    this.#voice = new Voice(idle.random);
    this.#faces = new Faces(renderer);
    this.#clips = new Clips(renderer);
    this.use(renderer);
  }

  /** Go on with another renderer: same face, same pose. */
  use(renderer) {
    this.renderer = renderer;
    this.#faces.use(renderer);
    this.#clips.use(renderer);
    this.#springs = new Map(
      renderer.ids.map((id) => {
        const speed = QUICK.test(id) ? SPEED.quick : BRISK.test(id) ? SPEED.brisk : SPEED.calm;
        return [id, new Spring(renderer.range(id).rest, speed)];
      }),
    );
    renderer.mark("expression", this.#faces.shown);
    renderer.mark("motion", this.#clips.name);
    renderer.mark("mode", this.#pose);
  }

  /** What can be asked for with this renderer: {expressions, motions: group -> clips, params}. */
  get offers() {
    const { expressions, motions, params } = this.renderer;
    const single = Object.fromEntries(Clips.names.map((name) => [name, 1]));
    return {
      expressions: [...new Set([...Object.keys(EXPRESSIONS), ...expressions])],
      motions: { ...single, ...motions },
      params,
    };
  }

  /** Fade to a named face: weight 0..1, over `ms`; `holdMs` > 0: back after that. An unknown name changes nothing. */
  expression(name, weight = 1, ms = 300, holdMs = 0) {
    if (!this.#faces.set(name, { weight: clamp(weight, 0, 1), ms, holdMs }, this.#now)) {
      console.warn(`vaidol: no expression ${name}`);
      return;
    }
    this.renderer.mark("expression", name);
  }

  /** @param asked {name, group, index, priority}: see the protocol's `motion` */
  motion(asked) {
    const outcome = this.#clips.start(asked, this.#now);
    if (outcome === "unknown") console.warn(`vaidol: no motion ${asked.name || asked.group}`);
    this.renderer.mark("motion", this.#clips.name);
  }

  /** Hold a parameter; weight 0 lets it go. */
  param(id, value, weight = 1, ms = 300, holdMs = 0) {
    this.#holds.set(id, { value, weight: clamp(weight, 0, 1), ms, holdMs }, this.#now);
  }

  /** The sound being heard: open 0..1, form -1 (round) .. 1 (wide), vowels {a, i, u, e, o} or null. */
  mouth(open, form, vowels = null) {
    this.#voice.hear(open, form, vowels);
  }

  /** The conversation's state: idle | listening | thinking | speaking | asleep. */
  mode(name) {
    this.#pose = name;
    this.idle.attentive = name === "listening";
    this.renderer.mark("mode", name);
  }

  /** A point on the screen worth looking at, client pixels. */
  lookAt(x, y) {
    const face = this.renderer.face();
    const reach = Math.max(innerWidth, innerHeight) * 0.45;
    this.idle.lookAt(clamp((x - face.x) / reach, -1, 1), clamp((face.y - y) / reach, -1, 1), this.#now);
  }

  /** Look to (x, y), each -1..1, over `ms`, for `holdMs` (0: until told otherwise); null: where it likes. */
  gaze(x, y, ms = 300, holdMs = 0) {
    this.idle.gaze(x, y, ms, holdMs, this.#now);
  }

  /** Somebody touches an area of it: answer with the body at once. */
  touch(area) {
    const own = this.renderer.reaction(area);
    if (own) {
      this.motion({ name: "", group: own.group, priority: "normal" });
      return;
    }
    const key = Object.keys(REACTIONS).find((name) => area.toLowerCase().includes(name)) ?? "body";
    const [face, motion] = REACTIONS[key];
    if (this.#pose !== "speaking") this.expression(face, 0.9, 150, REACTION_MS); // its words have the face
    this.motion({ name: motion, priority: "normal" });
  }

  /** Silence, now: the mouth shuts within this frame. */
  cut() {
    this.#voice.cut();
    this.#faces.quiet();
    this.#cut = true;
    if (this.#springs.has("ParamMouthOpenY")) this.#springs.set("ParamMouthOpenY", new Spring(0, SPEED.brisk));
  }

  /** Compose one picture; `now` in ms. */
  frame(now) {
    const seconds = clamp((now - this.#now) / 1000, 0, 0.1);
    this.#now = now;
    const life = this.idle.frame(now);
    const voice = this.#voice.step(now, seconds);
    if (this.#faces.step(seconds * 1000, now)) this.renderer.mark("expression", this.#faces.shown);
    if (voice.talking) this.#faces.quiet(); // the voice has the mouth, and shuts it at its end
    const goals = this.#goals(life);
    const values = new Map();
    for (const [id, spring] of this.#springs) values.set(id, spring.step(goals.get(id), seconds));
    this.#speak(values, voice);
    this.#live(values, life);
    this.#move(values, now);
    for (const [id, value] of values) {
      const { min, max } = this.renderer.range(id);
      values.set(id, clamp(value, min, max));
    }
    const holds = this.#holds.step(seconds * 1000, now);
    this.renderer.draw(values, seconds, { faces: this.#faces.native, holds, talking: voice.talking, cut: this.#cut });
    this.#cut = false;
  }

  /** Where every slow parameter wants to go: rest + pose + expressions + gaze. */
  #goals(life) {
    const goals = new Map(this.renderer.ids.map((id) => [id, this.renderer.range(id).rest]));
    const add = (id, value) => goals.has(id) && goals.set(id, goals.get(id) + value);
    const { gasp, calm, shut } = this.#faces;
    for (const [id, value] of Object.entries(POSES[this.#pose] ?? {})) if (!shut || !EYES.includes(id)) add(id, value);
    this.#faces.each(add);
    if (gasp !== null && goals.has("ParamMouthOpenY")) goals.set("ParamMouthOpenY", gasp);
    const look = (axis) => calm * life.gaze[axis] + life.saccade[axis];
    add("ParamEyeBallX", 0.85 * look("x"));
    add("ParamEyeBallY", 0.7 * look("y"));
    add("ParamAngleX", 17 * life.gaze.x + life.sway.x);
    add("ParamAngleY", 13 * life.gaze.y + life.sway.y);
    add("ParamAngleZ", 3 * life.gaze.x * life.gaze.y + life.sway.z);
    add("ParamBodyAngleX", 4 * life.gaze.x + 0.8 * life.sway.x);
    add("ParamBodyAngleZ", 0.7 * life.sway.z);
    return goals;
  }

  #speak(values, { talk, open, wide, corners, vowels, head, brow }) {
    put(values, "ParamMouthOpenY", Math.max(open, values.get("ParamMouthOpenY") ?? 0));
    add(values, "ParamMouthWave", -talk * (values.get("ParamMouthWave") ?? 0));
    if (values.has("ParamMouthPuckerWiden")) add(values, "ParamMouthPuckerWiden", wide);
    else add(values, "ParamMouthForm", 0.6 * wide);
    add(values, "ParamMouthForm", 0.5 * corners);
    for (const [name, id] of Object.entries(VOWEL_IDS)) put(values, id, vowels[name]);
    add(values, "ParamAngleX", talk * head.x);
    add(values, "ParamAngleY", head.y);
    add(values, "ParamAngleZ", talk * head.z);
    add(values, "ParamBodyAngleX", 0.25 * talk * head.x);
    add(values, "ParamBrowLY", brow);
    add(values, "ParamBrowRY", brow);
    this.renderer.mark("mouthOpen", open < 0.005 ? "0" : open.toFixed(2));
  }

  #live(values, life) {
    const { shut } = this.#faces;
    for (const id of EYES) if (values.has(id) && !shut) put(values, id, Math.max(0, values.get(id)) * (1 - life.blink));
    put(values, "ParamBreath", life.breath);
  }

  #move(values, now) {
    this.#clips.step(now);
    this.renderer.mark("motion", this.#clips.name);
    this.#clips.each(now, (id, value) => add(values, id, value));
  }
}

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

function put(values, id, value) {
  if (values.has(id)) values.set(id, value);
}

function add(values, id, more) {
  if (values.has(id)) values.set(id, values.get(id) + more);
}
