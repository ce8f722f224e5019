/** The default avatar: an SVG character moved by Cubism standard parameter ids. */

import { brow, eye, face, mouth, tear } from "./face.js";
import { Pendulum } from "./spring.js";

const PAIRS = (id, range) => ({ [id.replace("*", "L")]: range, [id.replace("*", "R")]: range });

/** id -> [lowest, resting, highest]; L is the character's left, on the right of the screen. */
const RANGES = {
  ParamAngleX: [-30, 0, 30],
  ParamAngleY: [-30, 0, 30],
  ParamAngleZ: [-30, 0, 30],
  ParamBodyAngleX: [-10, 0, 10],
  ParamBodyAngleY: [-10, 0, 10],
  ParamBodyAngleZ: [-10, 0, 10],
  ParamBreath: [0, 0, 1],
  ParamShoulderY: [-1, 0, 1],
  ...PAIRS("ParamEye*Open", [0, 1, 1.3]),
  ...PAIRS("ParamEye*Smile", [0, 0, 1]),
  ParamEyeBallX: [-1, 0, 1],
  ParamEyeBallY: [-1, 0, 1],
  ParamEyeBallForm: [-1, 0, 1],
  ...PAIRS("ParamBrow*Y", [-1, 0, 1]),
  ...PAIRS("ParamBrow*X", [-1, 0, 1]),
  ...PAIRS("ParamBrow*Angle", [-1, 0, 1]),
  ...PAIRS("ParamBrow*Form", [-1, 0, 1]),
  ParamMouthOpenY: [0, 0, 1],
  ParamMouthForm: [-1, 0.35, 1],
  ParamMouthPuckerWiden: [-1, 0, 1],
  ParamMouthX: [-1, 0, 1],
  ParamMouthWave: [0, 0, 1],
  ParamCheek: [0, 0.3, 1],
  ParamCheekPuff: [0, 0, 1],
  ParamTear: [0, 0, 1],
  ParamSweat: [0, 0, 1],
  ParamAnger: [0, 0, 1],
  ParamShade: [0, 0, 1],
  ParamHeart: [0, 0, 1],
  ParamSparkle: [0, 0, 1],
  ParamArmRA: [0, 0, 1],
  ParamHandR: [-1, 0, 1],
  ParamHairFront: [-1, 0, 1],
  ParamHairSide: [-1, 0, 1],
  ParamHairBack: [-1, 0, 1],
  ParamHairAhoge: [-1, 0, 1],
};

const HAIR = { Front: [11, 0.28], Side: [8, 0.24], Back: [6.5, 0.26], Ahoge: [13, 0.14] }; // rad/s, damping

export class Puppet {
  #values = new Map();
  #svg = null;
  #parts = null;
  #strands = Object.fromEntries(Object.entries(HAIR).map(([name, [speed, damp]]) => [name, new Pendulum(speed, damp)]));
  #box = { x: 0, y: 0 };
  #written = new WeakMap();

  constructor(host) {
    this.host = host;
    this.ids = Object.freeze(Object.keys(RANGES));
    for (const id of this.ids) this.#values.set(id, RANGES[id][1]);
    new ResizeObserver(() => this.#measure()).observe(host);
  }

  /** Fetch the drawing and put it on the page. */
  async load(url = new URL("../puppet.svg", import.meta.url)) {
    const text = await (await fetch(url)).text();
    const drawing = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
    this.#svg = document.importNode(drawing, true);
    this.host.replaceChildren(this.#svg);
    this.#parts = collect(this.#svg);
    this.#measure();
  }

  range(id) {
    const [min, rest, max] = RANGES[id];
    return { min, rest, max };
  }

  /** The value now shown. */
  value(id) {
    return this.#values.get(id);
  }

  /** State that is worth seeing in the DOM: data-expression, data-mouth-open and so on. */
  mark(name, value) {
    if (this.host.dataset[name] !== value) this.host.dataset[name] = value;
  }

  /** Where the eyes are, in client pixels. */
  face() {
    return this.#box;
  }

  draw(values, seconds) {
    for (const [id, value] of values) this.#values.set(id, value);
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
    this.#move(body, `translate(${r(1.2 * v("ParamBodyAngleX"))} ${r(-up)}) translate(400 0) scale(${r3(1 + 0.006 * breath)} 1) translate(-400 0)`);
    this.#move(backHair, `translate(${r(v("ParamBodyAngleX") - 0.3 * v("ParamAngleX"))} ${r(-2 * v("ParamBodyAngleY") - 1.5 * breath + 0.2 * v("ParamAngleY"))}) rotate(${r(0.45 * v("ParamAngleZ"))} 400 560)`);
    const raised = v("ParamArmRA");
    arm.style.display = raised > 0.01 ? "" : "none";
    this.#move(arm, `translate(${r(-50 * (1 - raised))} ${r(460 * (1 - raised))}) rotate(${r(13 * v("ParamHandR") - 6)} 190 960)`);
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
      this.#move(element, `translate(${r(-10 * turn)} ${r(3 * lift)}) translate(${400 + 158 * sign} 0) scale(${r3(size)} 1) translate(${-400 - 158 * sign} 0)`);
    }
  }

  #drawEyes(v) {
    const turn = v("ParamAngleX") / 30;
    for (const [side, part] of Object.entries(this.#parts.eyes)) {
      const sign = side === "L" ? 1 : -1;
      const shape = eye(sign, v(`ParamEye${side}Open`), v(`ParamEye${side}Smile`));
      const { x, y } = shape.centre;
      const narrow = 1 - 0.11 * Math.max(0, turn * sign); // the far eye foreshortens
      this.#move(part.frame, `translate(${r(x)} 0) scale(${r3(narrow)} 1) translate(${r(-x)} 0)`);
      for (const name of ["white", "clip"]) this.#path(part[name], shape.outline);
      this.#path(part.shade, shape.shade);
      this.#path(part.lash, shape.lash);
      this.#path(part.crease, shape.crease);
      this.#path(part.lower, shape.lower);
      const bx = x - 2 * sign + 14 * v("ParamEyeBallX");
      const by = y - 1 - 11 * v("ParamEyeBallY");
      const form = v("ParamEyeBallForm");
      this.#move(part.ball, `translate(${r(bx)} ${r(by)}) scale(${r3(1 + (form < 0 ? 0.34 : 0.1) * form)})`);
      this.#move(part.light, `translate(${r(x - 2 * sign + 10 * v("ParamEyeBallX"))} ${r(by + 2)}) scale(${r3(1 + 0.25 * form)})`);
      const heart = v("ParamHeart");
      this.#move(part.heart, `scale(${r3(1.6 * heart)})`);
      part.heart.style.opacity = r(heart);
      part.pupil.style.opacity = r(1 - heart);
      part.crease.style.opacity = r(Math.min(1, v(`ParamEye${side}Open`) * 2));
      const wet = v("ParamTear");
      part.tear.style.opacity = r(wet);
      if (wet > 0.02) this.#path(part.tear, tear(shape.tear, wet));
    }
  }

  #drawBrows(v) {
    for (const [side, part] of Object.entries(this.#parts.brows)) {
      const sign = side === "L" ? 1 : -1;
      const x = 400 + sign * (70 + 7 * v(`ParamBrow${side}X`));
      const y = 327 - 15 * v(`ParamBrow${side}Y`);
      this.#move(part, `translate(${r(x)} ${r(y)}) rotate(${r(17 * sign * v(`ParamBrow${side}Angle`))})`);
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
    const tall = shape.low - shape.top;
    this.#move(tongue, `translate(${r(shape.middle - 400)} ${r(shape.low - 548 + 0.02 * tall)}) `);
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
    pop(sweat, v("ParamSweat"), 550, 300);
    pop(anger, v("ParamAnger"), 562, 220);
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

/** Every moving part of the drawing, looked up once. */
function collect(svg) {
  const one = (selector) => svg.querySelector(selector);
  const eyes = Object.fromEntries(
    [...svg.querySelectorAll(".eye")].map((layer) => {
      const side = layer.dataset.side;
      const names = { white: ".white", shade: ".white-shade", lash: ".lash", crease: ".crease", lower: ".lower" };
      const more = { ball: ".ball", light: ".light", heart: ".heart", pupil: ".pupil", tear: ".tear" };
      const parts = Object.entries({ ...names, ...more }).map(([name, at]) => [name, layer.querySelector(at)]);
      return [side, { ...Object.fromEntries(parts), clip: one(`#p-eye-shape-${side}`), frame: inside(layer) }];
    }),
  );
  const number = (text) => Number(text);
  return {
    root: one("#p-root"), body: one("#p-body"), head: one("#p-head"), backHair: one("#p-hair-back"), arm: one("#p-arm"),
    outline: one("#p-face"), outlineClip: one("#p-face-clip-path"),
    layers: [...svg.querySelectorAll("[data-dx]:not([id^=p-cup])")].map((element) => ({
      element, dx: number(element.dataset.dx), dy: number(element.dataset.dy),
    })),
    strands: [...svg.querySelectorAll(".strand")].map((element) => ({
      element, hair: element.dataset.hair, pivot: element.dataset.pivot, amp: number(element.dataset.amp),
    })),
    cups: [{ element: one("#p-cup-L"), sign: 1 }, { element: one("#p-cup-R"), sign: -1 }],
    eyes,
    brows: Object.fromEntries([...svg.querySelectorAll(".brow")].map((g) => [g.dataset.side, g.firstElementChild])),
    mouthShape: one("#p-mouth-shape"), mouthLine: one("#p-mouth-line"), lip: one("#p-lip"),
    tongue: one("#p-tongue"), teeth: one("#p-teeth"),
    sweat: one("#p-sweat"), anger: one("#p-anger"), sparkles: one("#p-sparkles"), hearts: one("#p-hearts"),
    shade: one("#p-shade"), cheeks: one("#p-cheeks"), blushLines: one("#p-blush-lines"),
  };
}

/** Wrap what a layer holds, so that the layer can shift and its content can scale. */
function inside(layer) {
  const frame = document.createElementNS("http://www.w3.org/2000/svg", "g");
  frame.append(...layer.childNodes);
  layer.append(frame);
  return frame;
}
