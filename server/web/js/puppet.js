/** The default avatar: an SVG character moved by Cubism standard parameter ids. */

import { brow, eye, face, mouth, tear } from "./face.js";
import { RANGES } from "./parameters.js";
import { collect } from "./parts.js";
import { Renderer } from "./renderer.js";
import { Pendulum } from "./spring.js";

const IDS = Object.freeze(Object.keys(RANGES));
const AREAS = Object.freeze(["head", "face", "hair", "headphones", "body", "hand"]);
const HAIR = { Front: [11, 0.28], Side: [8, 0.24], Back: [6.5, 0.26], Ahoge: [13, 0.14] }; // rad/s, damping

export class Puppet extends Renderer {
  #values = new Map();
  #parts = null;
  #strands = Object.fromEntries(Object.entries(HAIR).map(([name, [speed, damp]]) => [name, new Pendulum(speed, damp)]));
  #box = { x: 0, y: 0 };
  #written = new WeakMap();
  #size = new ResizeObserver(() => this.#measure());

  constructor(host) {
    super(host);
    for (const id of this.ids) this.#values.set(id, RANGES[id][1]);
    this.#size.observe(host);
  }

  get title() {
    return "Vai, the drawn puppet";
  }

  get ids() {
    return IDS;
  }

  get areas() {
    return AREAS;
  }

  hit(x, y) {
    const area = document.elementsFromPoint(x, y).find((element) => this.element?.contains(element));
    return area?.closest("[data-area]")?.dataset.area ?? null;
  }

  /** Fetch the drawing and put it on the page. */
  async load(url = new URL("../puppet.svg", import.meta.url)) {
    const text = await (await fetch(url)).text();
    const drawing = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
    this.show(document.importNode(drawing, true));
    this.#parts = collect(this.element);
    this.#measure();
  }

  dispose() {
    this.#size.disconnect();
    this.#parts = null;
    super.dispose();
  }

  range(id) {
    const [min, rest, max] = RANGES[id];
    return { min, rest, max };
  }

  /** The value now shown. */
  value(id) {
    return this.#values.get(id);
  }

  /** Where the eyes are, in client pixels. */
  face() {
    return this.#box;
  }

  draw(values, seconds, { holds = new Map() } = {}) {
    for (const [id, value] of values) this.#values.set(id, value);
    for (const [id, { value, weight }] of holds) this.#hold(id, value, weight);
    this.#swing(seconds);
    if (!this.#parts) return;
    const v = (id) => this.#values.get(id);
    this.#drawBody(v);
    this.#drawHead(v);
    this.#drawEyes(v);
    this.#drawBrows(v);
    this.#drawMouth(v);
    this.#drawSymbols(v);
  }

  #hold(id, value, weight) {
    if (!Object.hasOwn(RANGES, id)) return;
    const { min, max } = this.range(id);
    const was = this.#values.get(id);
    this.#values.set(id, was + (Math.min(max, Math.max(min, value)) - was) * weight);
  }

  /** Hair follows the head late and overshoots: the one thing the drawing decides for itself. */
  #swing(seconds) {
    const v = (id) => this.#values.get(id);
    const drive = v("ParamAngleX") / 30 + v("ParamAngleZ") / 22 + v("ParamBodyAngleX") / 20 + v("ParamBodyAngleY") / 25;
    for (const [name, strand] of Object.entries(this.#strands)) {
      const lag = strand.step(drive, seconds) - drive;
      this.#values.set(`ParamHair${name}`, Math.min(1, Math.max(-1, 1.6 * lag)));
    }
  }

  #drawBody(v) {
    const { root, body, backHair, arm } = this.#parts;
    const breath = v("ParamBreath");
    const up = 3 * breath + 2 * v("ParamBodyAngleY") + 5 * v("ParamShoulderY");
    this.#move(root, `rotate(${r(0.8 * v("ParamBodyAngleZ"))} 400 1100)`);
    this.#move(body, `translate(${r(1.2 * v("ParamBodyAngleX"))} ${r(-up)}) ${widen(400, 1 + 0.006 * breath)}`);
    const hairX = v("ParamBodyAngleX") - 0.3 * v("ParamAngleX");
    const hairY = 0.2 * v("ParamAngleY") - 2 * v("ParamBodyAngleY") - 1.5 * breath;
    this.#move(backHair, `translate(${r(hairX)} ${r(hairY)}) rotate(${r(0.45 * v("ParamAngleZ"))} 400 560)`);
    const raised = v("ParamArmRA");
    arm.style.display = raised > 0.01 ? "" : "none";
    const down = 1 - raised;
    this.#move(arm, `translate(${r(24 - 74 * down)} ${r(460 * down)}) rotate(${r(9 * v("ParamHandR"))} 190 960)`);
  }

  #drawHead(v) {
    const { head, layers, strands, outline, outlineClip, cups } = this.#parts;
    const turn = v("ParamAngleX") / 30;
    const lift = v("ParamAngleY") / 30;
    const bob = 2.4 * v("ParamBreath") + 2 * v("ParamBodyAngleY");
    const x = 14 * turn + 1.4 * v("ParamBodyAngleX");
    this.#move(head, `translate(${r(x)} ${r(-10 * lift - bob)}) rotate(${r(0.75 * v("ParamAngleZ"))} 400 590)`);
    for (const { element, dx, dy } of layers) this.#move(element, `translate(${r(dx * turn)} ${r(-dy * lift)})`);
    for (const { element, hair, pivot, amp } of strands) {
      const hang = hair === "Side" ? -0.35 * v("ParamAngleZ") : 0;
      this.#move(element, `rotate(${r(-amp * v(`ParamHair${hair}`) + hang)} ${pivot})`);
    }
    const d = face(turn, lift, v("ParamCheekPuff"));
    this.#path(outline, d);
    this.#path(outlineClip, d);
    for (const { element, sign } of cups) {
      const size = 1 + 0.2 * turn * -sign; // the cup on the near side comes forward
      this.#move(element, `translate(${r(-10 * turn)} ${r(3 * lift)}) ${widen(400 + 170 * sign, size)}`);
    }
  }

  #drawEyes(v) {
    const turn = v("ParamAngleX") / 30;
    for (const [side, part] of Object.entries(this.#parts.eyes)) {
      const sign = side === "L" ? 1 : -1;
      const open = v(`ParamEye${side}Open`);
      const shape = eye(sign, open, v(`ParamEye${side}Smile`), v(`ParamBrow${side}Angle`));
      const { x, y } = shape.centre;
      const narrow = 1 - 0.11 * Math.max(0, turn * sign); // the far eye foreshortens
      this.#move(part.frame, widen(x, narrow));
      for (const name of ["white", "clip"]) this.#path(part[name], shape.outline);
      this.#path(part.shade, shape.shade);
      this.#path(part.lash, shape.lash);
      this.#path(part.crease, shape.crease);
      this.#path(part.lower, shape.lower);
      const bx = x - 2 * sign + 14 * v("ParamEyeBallX");
      const by = y - 1 - 11 * v("ParamEyeBallY");
      const form = v("ParamEyeBallForm");
      this.#move(part.ball, `translate(${r(bx)} ${r(by)}) scale(${r3(1 + (form < 0 ? 0.34 : 0.1) * form)})`);
      const lx = x - 2 * sign + 10 * v("ParamEyeBallX"); // reflections move less than what they lie on
      this.#move(part.light, `translate(${r(lx)} ${r(by + 2)}) scale(${r3(1 + 0.25 * form)})`);
      const heart = v("ParamHeart");
      this.#move(part.heart, `scale(${r3(1.6 * heart)})`);
      part.heart.style.opacity = r(heart);
      part.pupil.style.opacity = r(1 - heart);
      part.crease.style.opacity = r(Math.min(1, open * 2));
      const wet = v("ParamTear");
      part.tear.style.opacity = r(wet);
      if (wet > 0.02) this.#path(part.tear, tear(shape.tear, wet));
    }
  }

  #drawBrows(v) {
    for (const [side, part] of Object.entries(this.#parts.brows)) {
      const sign = side === "L" ? 1 : -1;
      const x = 400 + sign * (70 + 7 * v(`ParamBrow${side}X`));
      const y = 331 - 15 * v(`ParamBrow${side}Y`);
      this.#move(part, `translate(${r(x)} ${r(y)}) rotate(${r(20 * sign * v(`ParamBrow${side}Angle`))})`);
      this.#path(part, brow(sign, v(`ParamBrow${side}Form`)));
    }
  }

  #drawMouth(v) {
    const { mouthShape, mouthLine, lip, tongue, teeth } = this.#parts;
    const open = v("ParamMouthOpenY");
    const shape = mouth({
      open,
      form: v("ParamMouthForm"),
      wide: v("ParamMouthPuckerWiden"),
      skew: v("ParamMouthX"),
      wave: v("ParamMouthWave"),
    });
    this.#path(mouthShape, open < 0.02 ? "M0 0" : shape.shape);
    this.#path(mouthLine, shape.line);
    this.#path(lip, shape.lip);
    lip.style.opacity = r(Math.max(0, 1 - 1.6 * open));
    const tall = shape.low - shape.top;
    this.#move(tongue, `translate(${r(shape.middle - 400)} ${r(shape.low - 548 + 0.02 * tall)}) `);
    teeth.style.opacity = r(Math.max(0, 1 + 1.6 * Math.min(0, v("ParamMouthPuckerWiden")))); // lips of O and U hide them
    this.#move(teeth, `translate(${r(shape.middle - 400)} ${r(shape.top - 500 + Math.min(7, 0.22 * tall))})`);
  }

  #drawSymbols(v) {
    const { sweat, anger, sparkles, hearts, shade, cheeks, blushLines } = this.#parts;
    cheeks.style.opacity = r(v("ParamCheek"));
    blushLines.style.opacity = r(Math.max(0, 2 * v("ParamCheek") - 1));
    shade.style.opacity = r(v("ParamShade"));
    const pop = (element, value, x, y) => {
      element.style.display = value > 0.02 ? "" : "none";
      if (value <= 0.02) return;
      element.style.opacity = r(value);
      this.#move(element, `translate(${x} ${y}) scale(${r3(0.5 + 0.5 * value)}) translate(${-x} ${-y})`);
    };
    pop(sweat, v("ParamSweat"), 282, 250);
    pop(anger, v("ParamAnger"), 300, 226);
    pop(sparkles, v("ParamSparkle"), 400, 330);
    pop(hearts, v("ParamHeart"), 400, 330);
  }

  #move(element, transform) {
    this.#write(element, "transform", transform);
  }

  #path(element, d) {
    this.#write(element, "d", d);
  }

  /** Touch the DOM only where something changed. */
  #write(element, name, value) {
    let written = this.#written.get(element);
    if (!written) this.#written.set(element, (written = {}));
    if (written[name] === value) return;
    written[name] = value;
    element.setAttribute(name, value);
  }

  #measure() {
    const box = this.host.getBoundingClientRect();
    this.#box = { x: box.left + box.width / 2, y: box.top + box.height * 0.43 };
  }
}

const r = (value) => String(Math.round(value * 100) / 100);
const r3 = (value) => String(Math.round(value * 1000) / 1000);

/** Scale sideways around x. */
const widen = (x, scale) => `translate(${r(x)} 0) scale(${r3(scale)} 1) translate(${r(-x)} 0)`;
