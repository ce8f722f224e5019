/**
 * The overlay for streams: the avatar on a transparent page, in step with its voice; nothing to click.
 *
 * Options in the address: captions=1 (what is said, and what it answers), audio=0 (silent: the voice comes from
 * elsewhere), scale=1.5, session=ID (else the newest), trim_ms=120 (the face waits: for slow loudspeakers), avatar=NAME.
 */

import { Avatar } from "./avatar.js";
import { Avatars } from "./avatars.js";
import { Renderer } from "./renderer.js";
import { Show } from "./show.js";
import { MediaClock } from "./timing.js";
import { Viewer } from "./viewer.js";

const CAPTION_MS = 2500; // a caption stays so long after the reply

const options = new URLSearchParams(location.search);
const on = (name, otherwise) => !["0", "false", "no", "off"].includes(options.get(name) ?? (otherwise ? "1" : "0"));
const number = (name, otherwise, low, high) => {
  const value = Number.parseFloat(options.get(name) ?? "");
  return Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : otherwise;
};

const host = document.getElementById("avatar");
const voice = document.getElementById("voice");
const caption = document.getElementById("caption");
const asked = document.getElementById("asked");
const clock = new MediaClock();
const avatar = new Avatar(new Renderer(host)); // nobody yet
const avatars = new Avatars(host);
const show = new Show(avatar, clock);
const viewer = new Viewer(options.get("session") ?? "");
let session = null;
let fading = null;

clock.trimMs = number("trim_ms", 0, -1000, 2000);
voice.muted = !on("audio", true);
document.documentElement.style.setProperty("--scale", String(number("scale", 1, 0.1, 10)));

function say(text) {
  if (!on("captions", false)) return;
  clearTimeout(fading);
  caption.textContent = text;
  caption.hidden = !text;
}

function ask(text) {
  if (!on("captions", false)) return;
  asked.textContent = text;
  asked.hidden = !text;
}

function endCaption() {
  clearTimeout(fading);
  fading = setTimeout(() => (say(""), ask("")), CAPTION_MS);
}

const heard = {
  ...show.heard,
  hello(message) {
    if (session !== message.session) show.begin();
    session = message.session;
  },
  state: ({ value }) => avatar.mode(value),
  persona({ avatar: model }) {
    if (!options.has("avatar")) avatars.dress(model ?? "");
  },
  subtitle(message) {
    if (message.who === "avatar" && typeof message.text === "string") show.later(message, () => say(message.text));
  },
  other({ name, text }) {
    clearTimeout(fading);
    say("");
    ask(`${name}: ${text}`);
  },
  cut(message) {
    show.cut(message);
    endCaption();
  },
  turn: () => show.last(endCaption),
};

viewer.addEventListener("message", ({ detail }) => {
  if (Object.hasOwn(heard, detail.t)) heard[detail.t](detail);
});
viewer.addEventListener("receiver", ({ detail }) => clock.follow(detail));
viewer.addEventListener("stream", ({ detail }) => {
  voice.srcObject = detail;
  voice.play().catch((fault) => {
    if (fault.name !== "NotAllowedError") return; // AbortError: a newer stream took its place
    voice.muted = true; // a browser without autoplay: the face moves all the same
    voice.play().catch(() => {});
  });
});
viewer.addEventListener("status", ({ detail }) => {
  document.body.dataset.viewer = detail.status;
  if (detail.status === "live") return;
  show.silence();
  avatar.mode("idle");
  say("");
  ask("");
});
avatars.addEventListener("change", ({ detail }) => avatar.use(detail.renderer));

function frame() {
  show.advance();
  avatar.frame(performance.now());
  requestAnimationFrame(frame);
}

/** A read-only window for tests and for curious people. */
window.vaidol = Object.freeze({
  get state() {
    return viewer.status;
  },
  get session() {
    return session;
  },
  get exact() {
    return clock.exact;
  },
  media: () => clock.media(),
  value: (id) => avatar.renderer.value(id),
});

avatars.begin(options.get("avatar")).catch((fault) => console.error(`vaidol: no avatar: ${fault.message}`));
requestAnimationFrame(frame);
viewer.start();
