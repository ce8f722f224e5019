/** Waveform, spectrogram and level of a sound as it passes: the newest at the right. */

import { el, ms, say } from "./dom.js";

const BANDS = 48;
const COLUMNS = 300; // of 20 ms: 6 s
const BINS = COLUMNS * 4; // of 5 ms

export class Scope {
  #bins = new Int8Array(BINS * 2);
  #image = new Uint8Array(COLUMNS * BANDS);
  #palette = palette();
  #drawn = 0;
  #dirty = false;

  constructor() {
    this.wave = el("canvas", { width: COLUMNS, height: 72, role: "img", "aria-label": "Waveform of the last 6 s" });
    this.spectrum = el("canvas", { width: COLUMNS, height: BANDS, role: "img", "aria-label": "Spectrogram of the last 6 s, 60 Hz to 8 kHz" });
    this.level = el("meter", { min: -60, max: 0, low: -40, high: -6, optimum: -20, value: -60, "aria-label": "Level" });
    this.words = el("span", { class: "soft" }, "no sound yet");
    this.element = el("div", { class: "scope" }, this.wave, this.spectrum, el("p", { class: "level" }, this.level, this.words));
    this.#drawn = requestAnimationFrame(() => this.#draw());
  }

  add({ bins, columns, count, rms, peak, lost, rate }) {
    shift(this.#bins, bins);
    shift(this.#image, columns);
    const db = rms ? Math.max(-99, 20 * Math.log10(rms)) : -99;
    this.level.value = Math.max(db, -60);
    say(this.words, `${db.toFixed(0)} dB, peak ${peak.toFixed(2)}, ${rate / 1000} kHz${lost ? `, ${ms(lost)} not shown` : ""}`);
    this.columns = (this.columns ?? 0) + count;
    this.#dirty = true;
  }

  close() {
    cancelAnimationFrame(this.#drawn);
  }

  #draw() {
    this.#drawn = requestAnimationFrame(() => this.#draw());
    if (!this.#dirty) return;
    this.#dirty = false;
    const wave = this.wave.getContext("2d");
    const { width, height } = this.wave;
    wave.clearRect(0, 0, width, height);
    wave.fillStyle = getComputedStyle(this.wave).color;
    for (let x = 0; x < width; x += 1) {
      let [low, high] = [127, -127];
      for (let i = x * 4; i < x * 4 + 4; i += 1) {
        low = Math.min(low, this.#bins[2 * i]);
        high = Math.max(high, this.#bins[2 * i + 1]);
      }
      const top = ((1 - high / 127) * height) / 2;
      wave.fillRect(x, top, 1, Math.max(1, ((high - low) / 254) * height));
    }
    const context = this.spectrum.getContext("2d");
    const image = context.createImageData(COLUMNS, BANDS);
    for (let x = 0; x < COLUMNS; x += 1) {
      for (let band = 0; band < BANDS; band += 1) {
        image.data.set(this.#palette[this.#image[x * BANDS + band]], ((BANDS - 1 - band) * COLUMNS + x) * 4);
      }
    }
    context.putImageData(image, 0, 0);
  }
}

/** Move the old to the left and append the new. */
function shift(kept, fresh) {
  const added = fresh.length > kept.length ? fresh.subarray(fresh.length - kept.length) : fresh;
  kept.copyWithin(0, added.length);
  kept.set(added, kept.length - added.length);
}

/** 256 colours from nothing over violet and rose to pale yellow, alike for all eyes in lightness. */
function palette() {
  const stops = [[20, 16, 46, 0], [60, 45, 130, 120], [150, 55, 140, 220], [230, 95, 95, 255], [250, 180, 100, 255], [253, 244, 190, 255]];
  return Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * (stops.length - 1);
    const [a, b] = [stops[Math.floor(at)], stops[Math.min(Math.floor(at) + 1, stops.length - 1)]];
    return a.map((value, c) => Math.round(value + (b[c] - value) * (at % 1)));
  });
}
