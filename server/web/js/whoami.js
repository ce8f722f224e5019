/** Whose history a call belongs to: a long random id, made once and kept by this browser; whoever knows it may read. */

const KEY = "vaidol.user";
const KNOWN = /^[\w-]{16,64}$/;

/** The id, or "" where the browser keeps nothing: then no history is kept either. */
export function whoami() {
  try {
    const kept = localStorage.getItem(KEY);
    if (kept && KNOWN.test(kept)) return kept;
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    const made = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    localStorage.setItem(KEY, made);
    return made;
  } catch (fault) {
    if (fault instanceof DOMException) return "";
    throw fault;
  }
}
