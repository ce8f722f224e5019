/** Media time: which sample of the reply is being heard now, and the queues that wait for it. */

export const RATE = 48000; // samples per second of the reply stream
const FALLBACK_MS = 60; // an avatar command leads its sound by 42-70 ms when nothing better is known
const HORIZON_MS = 1000; // commands are sent ahead by much less: a guess further off is wrong, start again
const QUEUE_BOUND = 1024;
const TAIL = RATE / 4; // mouth values older than this are forgotten

/** Signed distance in samples, right across the 32-bit wrap of RTP timestamps. */
export const ahead = (at, media) => (at - media) | 0;

/**
 * Media time of the sound being heard, in 48 kHz samples.
 * With `sync` it is (RTP timestamp of the packet in playout - origin) mod 2^32; without, each command is
 * due 60 ms after its arrival, and commands keep their distance from one another.
 */
export class MediaClock {
  #receiver = null;
  #origin = null;
  #guess = null;

  constructor(now = () => performance.now()) {
    this.now = now;
    this.trimMs = 0; // positive: the face waits, for slow (Bluetooth) loudspeakers
  }

  follow(receiver) {
    this.#receiver = receiver;
    this.#origin = null;
    this.#guess = null;
  }

  sync(origin) {
    this.#origin = origin;
  }

  /** Note that a command for sample `at` has just arrived; only the fallback needs to know. */
  note(at) {
    const due = this.#guess ? this.#guess.due + ahead(at, this.#guess.at) / (RATE / 1000) : -Infinity;
    const wait = due - this.now();
    if (wait < -FALLBACK_MS || wait > HORIZON_MS) this.#guess = { at, due: this.now() + FALLBACK_MS };
  }

  forget() {
    this.#guess = null;
  }

  /** True when the time comes from the sound itself. */
  get exact() {
    return this.#heard() !== null;
  }

  /** Sample being heard, or null while nothing is known. */
  media() {
    const trim = (this.trimMs * RATE) / 1000;
    const heard = this.#heard();
    if (heard !== null) return heard - trim;
    if (!this.#guess) return null;
    return this.#guess.at + ((this.now() - this.#guess.due) * RATE) / 1000 - trim;
  }

  #heard() {
    if (this.#origin === null) return null;
    const source = this.#receiver?.getSynchronizationSources?.()[0];
    return source ? (source.rtpTimestamp - this.#origin) >>> 0 : null;
  }
}

/** Commands in order of their media time. The oldest gives way when it is full. */
export class TimedQueue {
  #items = [];

  push(at, item) {
    let place = this.#items.length;
    while (place > 0 && ahead(at, this.#items[place - 1].at) < 0) place -= 1;
    this.#items.splice(place, 0, { at, item });
    if (this.#items.length > QUEUE_BOUND) this.#items.shift();
  }

  /** Remove and return the items whose time has come. */
  take(media) {
    let due = 0;
    while (due < this.#items.length && ahead(this.#items[due].at, media) <= 0) due += 1;
    return this.#items.splice(0, due).map((entry) => entry.item);
  }

  clear() {
    this.#items.length = 0;
  }

  /** Media time of the last item, or null when empty. */
  get last() {
    return this.#items.at(-1)?.at ?? null;
  }
}

/** Curves of the mouth: blocks of evenly spaced values, read at any media time. */
export class MouthTrack {
  #blocks = [];

  /** @param fields the curves' names; @param rest what is read where no block speaks */
  constructor(fields = ["open", "form"], rest = { open: 0, form: 0 }) {
    this.fields = fields;
    this.rest = rest;
  }

  /** @param block {at, step, and an array for each field}; `step` in samples. A later block wins where two overlap. */
  push(block) {
    this.#blocks.push(block);
    if (this.#blocks.length > QUEUE_BOUND) this.#blocks.shift();
  }

  /** The value of each field at `media`, interpolated. */
  read(media) {
    this.#blocks = this.#blocks.filter((block) => ahead(this.#end(block), media) > -TAIL);
    for (const block of this.#blocks.toReversed()) {
      const place = ahead(media, block.at) / block.step;
      if (place < 0 || place >= this.#length(block)) continue;
      const index = Math.floor(place);
      return Object.fromEntries(this.fields.map((field) => [field, this.#between(block, field, index, place - index)]));
    }
    return this.rest;
  }

  clear() {
    this.#blocks.length = 0;
  }

  #length(block) {
    return block[this.fields[0]].length;
  }

  #end(block) {
    return block.at + this.#length(block) * block.step;
  }

  #between(block, field, index, part) {
    const here = block[field][index] ?? 0;
    const next = block[field][index + 1] ?? this.#first(this.#end(block), field) ?? here;
    return here + (next - here) * part;
  }

  #first(at, field) {
    const next = this.#blocks.find((block) => block.at === at);
    return next ? next[field][0] : undefined;
  }
}
