/**
 * What draws an avatar, seen from the engine (avatar.js): the SVG puppet, a Live2D model, or whatever comes next.
 *
 * The engine thinks in Cubism's standard parameters and in their standard units (parameters.js); a renderer maps them
 * to what it has. One renderer stands on the page at a time; `dispose` leaves its place empty for the next.
 */
export class Renderer {
  #marks = {};

  /** @param host element that the picture fills */
  constructor(host) {
    this.host = host;
    this.element = null; // what is on the page, once loaded; carries the marks as data-…
  }

  /** Names for menus and for the server. */
  get title() {
    return "";
  }

  /** Standard parameters that move something. */
  get ids() {
    return [];
  }

  /** {min, rest, max} of a standard parameter, in standard units. */
  range(id) {
    throw new Error(`no parameter ${id}`);
  }

  /** What is shown now, in standard units; undefined for what cannot be moved. */
  value() {
    return undefined;
  }

  /** All names that `draw` takes in `holds`: the standard ones and the model's own. */
  get params() {
    return this.ids;
  }

  /** Expressions of its own, beside those that the engine makes of parameters. */
  get expressions() {
    return [];
  }

  /**
   * Whether it shows the expression `name` itself: a Map from standard parameter to the change in it (what the engine
   * must not fight), or null if the engine has to make the face.
   */
  native() {
    return null;
  }

  /** Motions of its own: group -> number of clips. */
  get motions() {
    return {};
  }

  /** The clip {group, index} that it has for the motion `name`, or null: the engine moves the parameters itself. */
  clip() {
    return null;
  }

  /** Start a clip; `priority` idle | normal | force. The engine has already settled who gives way. */
  play() {}

  /** Whether a clip other than an idle one is running. */
  get playing() {
    return false;
  }

  /** Areas that can be touched. */
  get areas() {
    return [];
  }

  /** The area at a point of the page (client pixels), or null. */
  hit() {
    return null;
  }

  /** What a touch of `area` starts: a motion's {group} of its own, or null for the engine's answer. */
  reaction() {
    return null;
  }

  /** The middle of the eyes in client pixels, to look from. */
  face() {
    const box = this.host.getBoundingClientRect();
    return { x: box.left + box.width / 2, y: box.top + box.height * 0.4 };
  }

  /** Put the picture on the page. Rejects with an Error whose message is for people. */
  async load() {}

  /** Take it off again and free what it holds. */
  dispose() {
    this.element?.remove();
    this.element = null;
  }

  /**
   * Show `values` (Map: standard id -> value); `seconds` have passed since the last picture.
   * @param extra {faces: Map of native expression -> weight, holds: Map of parameter -> {value, weight} in the model's
   *   own units, talking: whether the mouth belongs to the voice, cut: the mouth must be shut}
   */
  draw(_values, _seconds, _extra) {}

  /** State worth seeing in the DOM: data-expression, data-mouth-open and so on. */
  mark(name, value) {
    if (this.#marks[name] === value) return;
    this.#marks[name] = value;
    if (this.element) this.element.dataset[name] = value;
  }

  /** The picture has come: give it the marks so far. */
  show(element) {
    this.element = element;
    Object.assign(element.dataset, this.#marks);
    this.host.replaceChildren(element);
  }
}
