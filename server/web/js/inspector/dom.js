/** Small helpers for building the page and writing figures. */

const SVG = "http://www.w3.org/2000/svg";

/** `el("button", {type: "button", class: "a", onclick}, "text", node)`; keys that begin with "on" are listeners. */
export const el = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);

/** The same for SVG. */
export const svg = (name, attributes = {}, ...children) => fill(document.createElementNS(SVG, name), attributes, children);

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Set text only where it changed: an unchanged node costs no layout. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function mark(node, name, value) {
  if (value === null || value === undefined || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, String(value));
}

/** Milliseconds for people: 0.04 ms, 3.2 ms, 812 ms, 12.5 s. */
export function ms(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value >= 10000) return `${(value / 1000).toFixed(1)} s`;
  if (value >= 100) return `${Math.round(value)} ms`;
  if (value >= 10) return `${value.toFixed(0)} ms`;
  return `${value.toFixed(value >= 1 ? 1 : 2)} ms`;
}

export function rate(perSecond) {
  if (!perSecond) return "0/s";
  return `${perSecond >= 10 ? Math.round(perSecond) : perSecond.toFixed(1)}/s`;
}

export const hertz = (value) => (value ? `${value / 1000} kHz` : "");

export function bytes(value) {
  return value >= 1e6 ? `${(value / 1e6).toFixed(1)} MB` : `${Math.max(1, Math.round(value / 1000))} kB`;
}

/** Time of day of `at` ms on the server's clock, given that clock's offset to the local one. */
export function clock(at, offset) {
  return new Date(at + offset).toTimeString().slice(0, 8) + "." + String(Math.floor((at + offset) % 1000)).padStart(3, "0");
}

/** What a frame class is drawn in: the name of a CSS class. */
export const tint = (frame) => `f-${frame.toLowerCase()}`;
