/** Body clips by priority: idle < normal < force. What is replaced fades out while the new one fades in. */

import { MOTIONS, length, sample } from "./motions.js";

const RANKS = { idle: 0, normal: 1, force: 2 };
const FADE_MS = 180;

export class Clips {
  #clips = []; // {curves, start, end, gone: when it was replaced}; the last one is the running one
  #running = null; // {rank, name, end: ms or null while a clip of the renderer's own runs}
  #renderer;

  constructor(renderer) {
    this.#renderer = renderer;
  }

  use(renderer) {
    this.#renderer = renderer;
    if (this.#running?.end === null) this.#running = null;
  }

  get name() {
    return this.#running?.name ?? "";
  }

  /** Names that can be asked for. */
  static names = Object.keys(MOTIONS);

  /** Start a motion by `name`, or the clip `index` of `group` (null: any). "unknown", "busy" or "started". */
  start({ name, group = null, index = null, priority = "normal" }, now) {
    const clip = this.#find(name, group, index);
    if (!clip && !Object.hasOwn(MOTIONS, name)) return "unknown";
    const rank = RANKS[priority] ?? RANKS.normal;
    if (this.#running && rank < this.#running.rank) return "busy";
    for (const old of this.#clips) old.gone = Math.min(old.gone, now);
    if (clip) this.#renderer.play(clip.group, clip.index, priority);
    else this.#clips.push({ curves: MOTIONS[name], start: now, end: now + length(MOTIONS[name]), gone: Infinity });
    this.#running = { rank, name: name || group, end: clip ? null : now + length(MOTIONS[name]), since: now };
    return "started";
  }

  /** Let go of what is over. */
  step(now) {
    this.#clips = this.#clips.filter((clip) => now <= clip.end && now <= clip.gone + FADE_MS);
    if (!this.#running) return;
    const { end, since } = this.#running;
    if (end === null ? now > since + FADE_MS && !this.#renderer.playing : now > end) this.#running = null;
  }

  /** What the clips add now: add(id, value). */
  each(now, add) {
    for (const { curves, start, gone } of this.#clips) {
      const weight = now > gone ? 1 - (now - gone) / FADE_MS : 1;
      for (const [id, curve] of Object.entries(curves)) add(id, weight * sample(curve, now - start));
    }
  }

  #find(name, group, index) {
    const { motions } = this.#renderer;
    if (group !== null && Object.hasOwn(motions, group)) {
      const any = Math.floor(Math.random() * motions[group]);
      return { group, index: index === null || index >= motions[group] ? any : index };
    }
    return this.#renderer.clip(name);
  }
}
