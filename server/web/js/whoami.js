/** Whose history a call belongs to: a long random id, made once and kept by this browser; whoever knows it may read. */

const KEY = "vaidol.user";
const NOT = "vaidol.forgetful"; // there: this browser's calls are not remembered
const KNOWN = /^[\w-]{16,64}$/;

/** The id, or "" where the browser keeps nothing: then no history is kept either. */
export function whoami() {
  return kept(() => {
    const known = localStorage.getItem(KEY);
    if (known && KNOWN.test(known)) return known;
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    const made = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    localStorage.setItem(KEY, made);
    return made;
  }, "");
}

/** Whether calls of this browser are to be remembered. */
export function remembers() {
  return kept(() => localStorage.getItem(NOT) === null, false);
}

/** Have calls that begin from now on remembered, or not. */
export function remember(on) {
  kept(() => (on ? localStorage.removeItem(NOT) : localStorage.setItem(NOT, "yes")));
}

function kept(work, otherwise) {
  try {
    return work();
  } catch (fault) {
    if (fault instanceof DOMException) return otherwise;
    throw fault;
  }
}
