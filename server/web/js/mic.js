/** The microphone: asking for it, saying plainly why there is none, and how loud it is. */

const CONSTRAINTS = { audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } };
const FLOOR_DB = -60;

const REASONS = {
  NotAllowedError: "The microphone is blocked. Allow it in the address bar to speak; until then you can type.",
  NotFoundError: "No microphone was found. You can type instead.",
  NotReadableError: "Another program is using the microphone. You can type instead.",
};

/** {track, reason}: the audio track, or null and a sentence for the person. */
export async function openMicrophone() {
  if (!navigator.mediaDevices?.getUserMedia) {
    const reason = "Browsers give the microphone only to https pages or to localhost. You can type instead.";
    return { track: null, reason };
  }
  try {
    const stream = await navigator.mediaDevices.getUserMedia(CONSTRAINTS);
    return { track: stream.getAudioTracks()[0], reason: null };
  } catch (fault) {
    const reason = REASONS[fault.name] ?? `The microphone cannot be used (${fault.message}). You can type instead.`;
    return { track: null, reason };
  }
}

/** Loudness of a microphone track, 0..1 over 60 dB. */
export class LevelMeter {
  #context = null;
  #analyser = null;
  #samples = new Float32Array(1024);

  watch(track) {
    this.close();
    this.#context = new AudioContext();
    this.#analyser = new AnalyserNode(this.#context, { fftSize: this.#samples.length });
    this.#context.createMediaStreamSource(new MediaStream([track])).connect(this.#analyser);
    this.#context.resume(); // some browsers start it suspended when the question for the microphone took long
  }

  read() {
    if (!this.#analyser) return 0;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let power = 0;
    for (const sample of this.#samples) power += sample * sample;
    const db = 10 * Math.log10(power / this.#samples.length + 1e-12);
    return Math.min(1, Math.max(0, 1 - db / FLOOR_DB));
  }

  close() {
    this.#context?.close();
    this.#context = null;
    this.#analyser = null;
  }
}
