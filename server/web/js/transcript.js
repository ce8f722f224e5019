/** What was said, by turn: the user's words as they firm up, the reply sentence by sentence as it is heard. */

const BOUND = 500; // entries kept on the page

/** Events: `change` with the entry {who: "user"|"avatar"|"note"|"memory", turn, text, final, mark}. */
export class Transcript extends EventTarget {
  #entries = [];

  /** The whole text of the user's turn so far; `turn` null marks words typed here and not yet confirmed. */
  user(turn, text, final) {
    const open = this.#find("user", turn) ?? this.#entries.find((one) => this.#typed(one, text));
    const entry = open ?? this.#add({ who: "user", turn, text: "", final: false, mark: null });
    Object.assign(entry, { turn: turn ?? entry.turn, text, final });
    this.#changed(entry);
  }

  /** One more sentence of the avatar's reply. */
  avatar(turn, sentence) {
    const entry = this.#find("avatar", turn) ?? this.#add({ who: "avatar", turn, text: "", final: false, mark: null });
    entry.text = [entry.text, sentence.trim()].filter(Boolean).join(" ");
    this.#changed(entry);
  }

  /** A reply ended: status done | cut | failed. False when nothing of it was heard. */
  end(turn, status) {
    const entry = this.#find("avatar", turn);
    if (!entry || entry.mark) return Boolean(entry);
    entry.final = true;
    entry.mark = status === "done" ? null : status;
    this.#changed(entry);
    return true;
  }

  note(text) {
    this.#changed(this.#add({ who: "note", turn: null, text, final: true, mark: null }));
  }

  /** What of earlier talks was recalled for the last turn, or what was learned: to be looked at, not in the way. */
  memory(status, told) {
    const lines = Array.isArray(told) ? told.filter((line) => typeof line === "string") : [];
    if (!lines.length) return;
    const things = lines.length === 1 ? "1 thing" : `${lines.length} things`;
    const text = status === "learned" ? `Will remember ${things}` : `Remembered ${things}`;
    this.#changed(this.#add({ who: "memory", turn: null, text, lines, final: true, mark: null }));
  }

  /** Turn numbers start anew: older entries can no longer be meant. */
  newSession() {
    for (const entry of this.#entries) entry.turn = `${entry.turn}, earlier`;
  }

  entries() {
    return this.#entries.map((entry) => ({ ...entry }));
  }

  get size() {
    return this.#entries.length;
  }

  #typed(entry, text) {
    return entry.who === "user" && entry.turn === null && entry.text === text;
  }

  #find(who, turn) {
    if (turn === null || turn === undefined) return undefined;
    return this.#entries.findLast((entry) => entry.who === who && entry.turn === turn);
  }

  #add(entry) {
    this.#entries.push(entry);
    if (this.#entries.length > BOUND) this.#entries.shift();
    return entry;
  }

  #changed(entry) {
    this.dispatchEvent(new CustomEvent("change", { detail: entry }));
  }
}
