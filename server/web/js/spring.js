/** Critically damped motion: reaches a goal fast, without overshoot, at any frame rate. */

export class Spring {
  constructor(value, speed) {
    this.value = value;
    this.velocity = 0;
    this.speed = speed; // rad/s: about 4.7 / speed seconds to within 5 %
  }

  /** Exact solution over `seconds` towards `goal`. */
  step(goal, seconds) {
    const away = this.value - goal;
    const push = (this.velocity + this.speed * away) * seconds;
    const fade = Math.exp(-this.speed * seconds);
    this.value = goal + (away + push) * fade;
    this.velocity = (this.velocity - this.speed * push) * fade;
    return this.value;
  }
}

/** A strand that swings after what carries it: under-damped, in small steps so that it stays stable. */
export class Pendulum {
  constructor(speed, damping) {
    this.value = 0;
    this.velocity = 0;
    this.speed = speed; // rad/s
    this.damping = damping; // 1 = critical
  }

  step(goal, seconds) {
    const steps = Math.max(1, Math.ceil(seconds / 0.008));
    const part = seconds / steps;
    for (let index = 0; index < steps; index += 1) {
      const pull = this.speed ** 2 * (goal - this.value) - 2 * this.damping * this.speed * this.velocity;
      this.velocity += pull * part;
      this.value += this.velocity * part;
    }
    return this.value;
  }
}
