/** The way back into a session: its token, kept for this tab, so that a tab that crashed finds its conversation again. */

const KEY = "vaidol.session";

export class Ticket {
  token = null;
  #release = null;

  /** Take up the token that this tab left behind, unless another tab (a duplicate of it) is in that session now. */
  async find() {
    this.token = null;
    const left = stored((storage) => storage.getItem(KEY));
    if (left && navigator.locks && (await this.#lock(left))) this.token = left;
  }

  /** The server gave `token`. */
  keep(token) {
    if (token === this.token && this.#release) return;
    this.drop();
    this.token = token;
    if (!token) return;
    stored((storage) => storage.setItem(KEY, token));
    this.#lock(token);
  }

  /** The session is over. */
  drop() {
    this.token = null;
    stored((storage) => storage.removeItem(KEY));
    this.#release?.();
    this.#release = null;
  }

  /** Hold the session's lock while the token is kept; the browser frees it when the tab is gone. False: it is held. */
  #lock(token) {
    if (!navigator.locks) return Promise.resolve(false); // not a secure context
    return new Promise((got) => {
      navigator.locks.request(`vaidol ${token}`, { ifAvailable: true }, (lock) => {
        got(lock !== null);
        return lock && new Promise((release) => { this.#release = release; });
      });
    });
  }
}

/** `use(sessionStorage)`, or null where the browser keeps nothing. */
function stored(use) {
  try {
    return use(sessionStorage);
  } catch (fault) {
    if (fault instanceof DOMException) return null;
    throw fault;
  }
}
