/** Which avatar is on the page: the puppet, or one of the user's Live2D models; chosen by the person, else by the server. */

import { Live2d } from "./live2d.js";
import { Puppet } from "./puppet.js";

const KEY = "vaidol.avatar";
export const PUPPET = ""; // the id of the drawn puppet

/** Events: change {renderer}, trouble {message, missing: files of the runtime} */
export class Avatars extends EventTarget {
  models = []; // as told by live2d-models/info
  runtime = { ready: false, configured: false, missing: [], scripts: [], licence: "" };
  current = PUPPET;
  #host;
  #own = PUPPET; // what the person chose; a persona may bring another
  #begun = Promise.resolve();
  #wanted = 0;
  #renderer = null;

  constructor(host) {
    super();
    this.#host = host;
  }

  /** The puppet at first, so that somebody is there; then who was chosen. `choice` (an id or a name) beats both. */
  begin(choice = null) {
    this.#begun = this.#begin(choice);
    return this.#begun;
  }

  async #begin(choice) {
    const wanted = choice ?? stored((storage) => storage.getItem(KEY));
    const told = this.refresh();
    if (!wanted) await this.#draw(new Puppet(this.#host));
    const first = await told;
    const id = (this.#own = this.#idOf(wanted ?? first));
    if (id !== PUPPET) await this.choose(id, { remember: false });
    else if (!this.#renderer) await this.#draw(new Puppet(this.#host));
  }

  /** Ask the server again what there is; returns the id it would begin with. */
  async refresh() {
    try {
      const answer = await fetch(new URL("../../live2d-models/info", import.meta.url));
      if (!answer.ok) return PUPPET;
      const { characters, runtime, avatar } = await answer.json();
      Object.assign(this, { models: characters, runtime });
      return avatar;
    } catch {
      return PUPPET; // no server, no models; the call says the same more clearly
    }
  }

  /** Show the avatar `id`; the puppet stands in for one that cannot be shown. */
  async choose(id, { remember = true } = {}) {
    if (remember) {
      this.#own = id;
      stored((storage) => storage.setItem(KEY, id));
    }
    const model = this.models.find((one) => one.id === id);
    if (!model) {
      await this.#draw(new Puppet(this.#host));
      return;
    }
    const mine = this.#wanted + 1; // what #draw will take
    try {
      if (model.error) throw new Error(model.error);
      if (!this.runtime.ready) throw new Missing(this.runtime);
      await this.#draw(new Live2d(this.#host, model, this.runtime), id);
    } catch (fault) {
      if (this.#wanted > mine) return; // somebody has chosen another meanwhile
      this.#tell("trouble", { message: fault.message, runtime: fault instanceof Missing });
      if (this.current !== PUPPET || !this.#renderer) await this.#draw(new Puppet(this.#host));
    }
  }

  /** Show the avatar of who speaks, by its id or name; "": the one that the person chose. */
  async dress(name) {
    await this.#begun.catch(() => {}); // told by whoever began
    const id = name ? this.#idOf(name) : this.#own;
    if (name && id === PUPPET) this.#tell("trouble", { message: `The server has no avatar “${name}”.`, runtime: false });
    if (id !== this.current) await this.choose(id, { remember: false });
  }

  /** Save what the person says about a model; shows it anew. Rejects with an Error for people. */
  async note(id, notes) {
    const url = new URL(`../../live2d-models/${id.split("/").map(encodeURIComponent).join("/")}`, import.meta.url);
    const answer = await fetch(url, { method: "PUT", body: JSON.stringify(notes) });
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(told.error?.message ?? `The server answered ${answer.status}.`);
    this.models = this.models.map((model) => (model.id === id ? told : model));
    if (this.current === id) await this.choose(id);
  }

  async #draw(renderer, id = PUPPET) {
    const mine = (this.#wanted += 1);
    await renderer.load();
    if (mine !== this.#wanted) {
      renderer.dispose();
      return;
    }
    const old = this.#renderer;
    this.#renderer = renderer;
    this.current = id;
    if (old) old.dispose();
    this.#tell("change", { renderer });
  }

  #idOf(wanted) {
    return this.models.find(({ id, name }) => id === wanted || name === wanted)?.id ?? PUPPET;
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** The runtime is not whole. */
class Missing extends Error {
  constructor({ configured, missing }) {
    const files = missing.map(({ name }) => name).join(", ");
    const where = configured ? "The folder of the Cubism runtime lacks" : "A Live2D model needs the Cubism runtime";
    super(configured ? `${where} ${files}.` : `${where} (${files}): start the server with --live2d-runtime DIR.`);
  }
}

/** `use(localStorage)`, or null where the browser keeps nothing. */
function stored(use) {
  try {
    return use(localStorage);
  } catch (fault) {
    if (fault instanceof DOMException) return null;
    throw fault;
  }
}
