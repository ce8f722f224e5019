/** Plays pieces of sound one after the other, a little late, so that the next one is there when the last one ends. */

const AHEAD_S = 0.3; // two beats of the feed
const MOST_S = 1.2; // what lies further ahead is left out, so that listening stays close to now

export class Loudspeaker {
  #next = 0;

  constructor() {
    this.context = new AudioContext();
    this.played = 0; // s
  }

  play(samples, rate) {
    const { currentTime } = this.context;
    if (this.#next < currentTime + 0.02) this.#next = currentTime + AHEAD_S;
    if (this.#next > currentTime + MOST_S) return;
    const buffer = this.context.createBuffer(1, samples.length, rate);
    const channel = buffer.getChannelData(0);
    for (let i = 0; i < samples.length; i += 1) channel[i] = samples[i] / 32768;
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.context.destination);
    source.start(this.#next);
    this.#next += buffer.duration;
    this.played += buffer.duration;
  }

  close() {
    this.context.close();
  }
}
