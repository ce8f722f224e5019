/** Parameters that somebody outside holds: each fades in, stays, and is let go. */

export class Holds {
  #held = new Map(); // id -> {value, weight, goal, rate per ms, until}

  /** Hold `id` at `value` with `weight` 0..1, faded over `ms`; let go after `holdMs` (null: stay). */
  set(id, { value, weight, ms, holdMs }, now) {
    const was = this.#held.get(id)?.weight ?? 0;
    const until = holdMs > 0 ? now + ms + holdMs : Infinity;
    if (weight > 0 || was > 0) this.#held.set(id, { value, weight: was, goal: weight, rate: 1 / Math.max(ms, 1), until, ms });
  }

  /** Map: id -> {value, weight}, after `ms` more. */
  step(ms, now) {
    for (const [id, hold] of this.#held) {
      if (now > hold.until) Object.assign(hold, { goal: 0, rate: 1 / Math.max(hold.ms, 1) });
      const way = hold.goal - hold.weight;
      hold.weight += Math.sign(way) * Math.min(Math.abs(way), hold.rate * ms);
      if (hold.goal === 0 && hold.weight === 0) this.#held.delete(id);
    }
    return this.#held;
  }
}
