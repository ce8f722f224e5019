/**
 * Draws a Live2D model of the user with the runtime of the user, and nothing of either is vaidol's.
 *
 * Order of each picture, as in Cubism's own samples: motion, blink and face, expression, gaze and head, breath, physics,
 * lip sync, held parameters, pose. Motion, physics and pose are the runtime's; the rest is the engine's.
 */

import { Channels } from "./channels.js";
import { Renderer } from "./renderer.js";
import { loadRuntime } from "./runtime.js";
import { VOWEL_IDS } from "./voice.js";

const AFTER_EXPRESSION = /^Param(Angle|BodyAngle|EyeBall[XY]|Breath)/;
const LIDS = ["ParamEyeLOpen", "ParamEyeROpen"];
const LIPS = ["ParamMouthOpenY", ...Object.values(VOWEL_IDS)];
const MOVED = 0.05; // of the range: a motion that moves the lids this much blinks for itself
const OWN_BLINK_MS = 4000;
const FORCE = 3; // the runtime's highest priority; who gives way is settled in clips.js
const TALL = 1.3; // height / width of a whole figure, of which the upper part is shown
const LOAD_MS = 30000;

export class Live2d extends Renderer {
  #app = null;
  #model = null;
  #core = null;
  #channels = null;
  #values = new Map();
  #extra = { faces: new Map(), holds: new Map(), talking: false };
  #shown = null; // the parameters of the last picture
  #starting = 0;
  #hush = false; // cut: no expression and no motion opens the mouth again by itself
  #lidsMoved = -Infinity;
  #time = 0;
  #size = new ResizeObserver(() => this.#place());

  /** @param info the model as told by live2d-models/info; @param runtime likewise */
  constructor(host, info, runtime) {
    super(host);
    this.info = info;
    this.runtime = runtime;
    this.faces = new Map(info.expressions.map((face) => [face.name, face.parameters]));
  }

  get title() {
    return this.info.name;
  }

  get ids() {
    return this.#channels.ids;
  }

  get params() {
    return this.#channels.params;
  }

  range(id) {
    return this.#channels.range(id);
  }

  /** In the model's own units, as it was drawn. */
  value(id) {
    const [own] = this.#channels.named(id);
    return own && this.#shown ? this.#shown[own.index] : undefined;
  }

  get expressions() {
    return [...this.faces.keys()];
  }

  /** The model's expression for a feeling (by its emotion map) or by its own name. */
  native(name) {
    const parameters = this.#parameters(name);
    return parameters ? this.#channels.changes(parameters) : null;
  }

  get motions() {
    return Object.fromEntries(Object.entries(this.info.motions).filter(([, files]) => files.length).map(([group, files]) => [group, files.length]));
  }

  clip(name) {
    return this.info.motion_names[name] ?? (Object.hasOwn(this.motions, name) ? { group: name, index: 0 } : null);
  }

  play(group, index) {
    this.#hush = false;
    this.#starting += 1;
    this.#model.motion(group, index, FORCE).finally(() => (this.#starting -= 1));
  }

  get playing() {
    return this.#starting > 0 || this.#model.internalModel.motionManager.state.currentPriority > 1;
  }

  get areas() {
    return this.info.hit_areas.length ? this.info.hit_areas.map(({ name }) => name) : ["head", "body"];
  }

  hit(x, y) {
    const box = this.host.getBoundingClientRect();
    const [left, top] = [x - box.left, y - box.top];
    if (left < 0 || top < 0 || left > box.width || top > box.height) return null;
    const hits = this.#model.hitTest(left, top);
    if (hits.length) return hits.find((name) => /head|face/i.test(name)) ?? hits[0];
    const { x: l, y: t, width, height } = this.#model.getBounds();
    const inside = this.info.hit_areas.length === 0 && left > l && left < l + width && top > t && top < t + height;
    return inside ? (top < t + 0.3 * height ? "head" : "body") : null;
  }

  reaction(area) {
    const group = this.info.touch[area];
    return group ? { group } : null;
  }

  face() {
    const box = this.host.getBoundingClientRect();
    const { x, y, width, height } = this.#model.getBounds();
    return { x: box.left + x + width / 2, y: box.top + y + height * 0.2 };
  }

  async load() {
    const PIXI = await loadRuntime(this.runtime);
    const canvas = document.createElement("canvas");
    canvas.id = "live2d";
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `The avatar: the Live2D model ${this.info.name}`);
    try {
      const { width, height } = this.host.getBoundingClientRect();
      const size = { width: Math.max(1, width), height: Math.max(1, height) };
      const resolution = Math.min(2, devicePixelRatio);
      const look = { backgroundAlpha: 0, antialias: true, autoDensity: true, resolution, autoStart: false };
      this.#app = new PIXI.Application({ view: canvas, ...size, ...look });
      this.#model = await within(LOAD_MS, this.#fetch(PIXI));
    } catch (fault) {
      this.dispose();
      throw new Error(`The model ${this.info.name} could not be drawn: ${fault?.message ?? fault}`, { cause: fault });
    }
    this.#prepare();
    this.show(canvas);
    this.#size.observe(this.host);
    this.#place();
  }

  dispose() {
    this.#size.disconnect();
    this.#app?.destroy(true, { children: true, texture: true, baseTexture: true });
    this.#app = null;
    this.#model = null;
    super.dispose();
  }

  draw(values, seconds, extra) {
    if (!this.#model) return;
    this.#values = values;
    if (extra.cut) this.#hush = true;
    if ([...extra.faces.keys()].some((name) => !this.#extra.faces.has(name))) this.#hush = false;
    this.#extra = extra;
    this.#time += 1000 * seconds;
    this.#model.update(1000 * seconds);
    this.#app.render();
  }

  /** The model's files, with what its model3.json leaves out, and without what the engine does itself. */
  async #fetch(PIXI) {
    const url = new URL(`../../${this.info.url}`, import.meta.url).href;
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`its model3.json is not there (${answer.status})`);
    const settings = await answer.json();
    const files = settings.FileReferences;
    delete files.Expressions;
    files.Motions = Object.fromEntries(Object.entries(files.Motions ?? {}).map(([group, list]) => [group, list.map(mute)]));
    if (this.info.loose_motions.length) {
      files.Motions[""] = [...(files.Motions[""] ?? []), ...this.info.loose_motions.map((File) => ({ File }))];
    }
    const still = { autoInteract: false, autoHitTest: false, autoFocus: false, autoUpdate: false };
    return PIXI.live2d.Live2DModel.from({ ...settings, url }, { ...still, idleMotionGroup: this.info.idle || "Idle" });
  }

  /** Put the engine's work where the runtime has its own. */
  #prepare() {
    const inner = this.#model.internalModel;
    this.#core = inner.coreModel;
    this.#channels = new Channels(this.info.channels, this.#core.getModel().parameters);
    inner.eyeBlink = undefined;
    inner.updateFocus = () => {};
    inner.updateNaturalMovements = () => this.#live();
    inner.on("beforeModelUpdate", () => this.#speak());
    this.#app.stage.addChild(this.#model);
  }

  #place() {
    if (!this.#model) return;
    const { width, height } = this.host.getBoundingClientRect();
    const { originalWidth: wide, originalHeight: high } = this.#model.internalModel;
    if (!width || !height) return;
    this.#app.renderer.resize(width, height);
    const whole = Math.min(width / wide, height / high);
    const size = (high / wide > TALL ? Math.max(whole, Math.min((1.4 * width) / wide, (1.8 * height) / high)) : whole) * this.info.scale;
    this.#model.scale.set(size);
    const top = high * size > height ? 0.03 * height : (height - high * size) / 2;
    this.#model.position.set((width - wide * size) / 2 + this.info.x * width, top + this.info.y * height);
  }

  /** Between the motion and physics. */
  #live() {
    const ids = [...this.#values.keys()].filter((id) => !LIPS.includes(id));
    for (const id of ids) if (!AFTER_EXPRESSION.test(id)) this.#offset(id);
    for (const [name, weight] of this.#extra.faces) {
      for (const change of this.#parameters(name)) this.#change(change, weight);
    }
    for (const id of ids) if (AFTER_EXPRESSION.test(id)) this.#offset(id);
  }

  /** Add to what the motion does, or to the rest. */
  #offset(id) {
    for (const own of this.#channels.own(id)) {
      const was = this.#core.getParameterValueByIndex(own.index);
      const value = this.#channels.scaled(id, this.#values.get(id), own);
      if (!LIDS.includes(id)) this.#set(own, was + value - own.rest);
      else {
        if (Math.abs(was - own.rest) > MOVED * (own.max - own.min)) this.#lidsMoved = this.#time;
        const blinksItself = this.#time - this.#lidsMoved < OWN_BLINK_MS && value < own.rest && this.playing;
        if (!blinksItself) this.#set(own, own.rest > own.min ? own.min + ((was - own.min) * (value - own.min)) / (own.rest - own.min) : value);
      }
    }
  }

  #change({ id, value, blend }, weight) {
    for (const own of this.#channels.named(id)) {
      const was = this.#core.getParameterValueByIndex(own.index);
      if (blend === "Multiply") this.#set(own, was * (1 + (value - 1) * weight));
      else if (blend === "Overwrite") this.#set(own, was + (value - was) * weight);
      else this.#set(own, was + value * weight);
    }
  }

  /** After physics: the voice has the mouth, and what is held is held. */
  #speak() {
    const { vowels } = this.#channels;
    const own = this.info.lip_sync.some((id) => !LIPS.slice(1).includes(id)); // a jaw beside the vowels
    for (const id of LIPS) if (id !== "ParamMouthOpenY" || !vowels || own) this.#lip(id);
    for (const [id, { value, weight }] of this.#extra.holds) {
      for (const own of this.#channels.named(id)) {
        const was = this.#core.getParameterValueByIndex(own.index);
        this.#set(own, was + (value - was) * weight);
      }
    }
    this.#shown = Float32Array.from(this.#core.getModel().parameters.values);
  }

  #lip(id) {
    for (const own of this.#channels.own(id)) {
      const value = this.#channels.scaled(id, this.#values.get(id) ?? 0, own);
      const alone = this.#extra.talking || this.#hush;
      this.#set(own, alone ? value : Math.max(value, this.#core.getParameterValueByIndex(own.index)));
    }
  }

  #set({ index, min, max }, value) {
    this.#core.setParameterValueByIndex(index, Math.min(max, Math.max(min, value)));
  }

  #parameters(name) {
    const own = Object.hasOwn(this.info.emotions, name) ? this.info.emotions[name] : name;
    return this.faces.get(own) ?? null;
  }
}

/** A motion without its sound: the avatar has a voice of its own. */
function mute({ Sound: _, ...motion }) {
  return motion;
}

function within(ms, promise) {
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error(`not loaded after ${ms / 1000} s`)), ms));
  return Promise.race([promise, late]);
}
