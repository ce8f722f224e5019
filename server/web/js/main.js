/** Join the parts: health, call, microphone, avatar, page. */

import { AvatarMenu } from "./avatar-menu.js";
import { Avatar } from "./avatar.js";
import { Avatars } from "./avatars.js";
import { Call } from "./call.js";
import { Eyes } from "./eyes.js";
import { Health } from "./health.js";
import { Hold } from "./hold.js";
import { LevelMeter, openMicrophone } from "./mic.js";
import { choosePersona } from "./personas.js";
import { watchRecording } from "./recording.js";
import { Renderer } from "./renderer.js";
import { Room } from "./room.js";
import { Show } from "./show.js";
import { MediaClock } from "./timing.js";
import { watchTouches } from "./touch.js";
import { Transcript } from "./transcript.js";
import { Page } from "./ui.js";
import { sentence, statusWords } from "./words.js";

const AWAY_MS = 500; // a hidden page draws no frames, and yet keeps the conversation in order

const page = new Page();
const call = new Call();
const health = new Health();
const meter = new LevelMeter();
const eyes = new Eyes(document.getElementById("eyes"), call, () => meter.read());
const hold = new Hold(document.getElementById("hold"), document.getElementById("hold-mode"));
const clock = new MediaClock();
const transcript = new Transcript();
const host = document.getElementById("avatar");
const avatar = new Avatar(new Renderer(host)); // nobody yet
const avatars = new Avatars(host);
const menu = new AvatarMenu(document.getElementById("choose"), avatars);
const show = new Show(avatar, clock);
const asked = new URLSearchParams(location.search);
const room = new Room(document.getElementById("room"), call, asked.get("room"));
let session = null; // of the running call
let reported = null; // the reply whose first sound the server knows to be heard
let lastSession = null; // whose turn numbers the transcript holds
let doing = "listening";
let calls = ""; // what wakes the avatar while it is asleep
let opening = null; // a token while the browser asks for the microphone
let troubled = false; // the notice tells of a fault; the next good reply takes it away

function showState() {
  const status = opening ? "connecting" : call.status;
  const hears = call.hasMicrophone && !call.muted;
  const holds = call.hasMicrophone && hold.on;
  const words = statusWords({ status, doing, hears, holds, calls, asks: opening !== null });
  const other = status === "live" && doing === "listening" ? room.speaker : "";
  page.state(status, other ? "speaking" : doing, other ? `${other} speaks` : words);
  page.microphone({ present: call.hasMicrophone, muted: call.muted });
  hold.ready(status === "live" && call.hasMicrophone);
  avatar.mode(status === "live" ? doing : "idle");
}

/** The microphone's track or null; undefined when the person ended the call before answering the browser. */
async function askForMicrophone() {
  const mine = (opening = Symbol("asking"));
  showState();
  const { track, reason } = await openMicrophone();
  if (opening !== mine) {
    track?.stop();
    return undefined;
  }
  opening = null;
  page.notice(reason);
  if (!track) return null;
  meter.watch(track);
  track.onended = () => {
    call.loseMicrophone();
    meter.close();
    page.notice("The microphone went away. You can type, or choose “Use microphone”.");
    showState();
  };
  return track;
}

async function start() {
  health.stop();
  doing = "listening";
  const track = await askForMicrophone();
  if (track !== undefined) await call.start(track);
}

function stop() {
  if (opening && call.status === "idle") health.start();
  opening = null;
  call.hangUp();
  showState();
}

async function toggleMicrophone() {
  if (call.hasMicrophone) {
    if (hold.on) hold.use(false);
    else call.mute(!call.muted);
    showState();
    return;
  }
  if (opening) return;
  const track = await askForMicrophone();
  if (track && call.status !== "idle") call.useMicrophone(track);
  showState();
}

function play(stream) {
  page.voice.srcObject = stream;
  page.voice.play().catch((fault) => {
    if (fault.name !== "NotAllowedError") return; // AbortError: a newer stream took its place
    const run = () => page.voice.play().then(() => page.notice(null));
    page.notice("The browser holds the sound back until you click.", { label: "Turn sound on", run });
  });
}

/** Tell the server what the avatar on the page can do. */
function introduce() {
  call.send({ t: "avatar", model: avatar.renderer.title, ...avatar.offers });
}

const heard = {
  ...show.heard,
  hello(message) {
    if (lastSession !== message.session) {
      transcript.newSession();
      show.begin();
      if (session !== null) transcript.note("The earlier conversation could not be resumed; this is a new one.");
    }
    session = lastSession = message.session ?? null;
    if (typeof message.avatar?.name === "string") page.avatarName = message.avatar.name;
    if (troubled) page.notice(null); // that was before
    troubled = false;
    introduce();
  },
  state(message) {
    if (!["listening", "thinking", "speaking", "asleep"].includes(message.value)) return;
    doing = message.value;
    calls = String(message.call ?? "");
    showState();
  },
  subtitle(message) {
    if (typeof message.text !== "string") return;
    if (message.who === "user") {
      if (message.final) page.said("");
      page.heard(message.text, Boolean(message.final));
      transcript.user(message.turn, message.text, Boolean(message.final));
    } else {
      show.later(message, () => {
        page.said(message.text);
        transcript.avatar(message.turn, message.text);
        if (reported !== message.turn) call.send({ t: "heard", turn: (reported = message.turn) });
      });
    }
  },
  other(message) {
    if (typeof message.text !== "string") return;
    page.heard(`${message.name}: ${message.text}`, true);
    transcript.note(`${message.name}: ${message.text}`);
  },
  cut(message) {
    show.cut(message);
    page.saidCut();
    transcript.end(message.turn, "cut");
  },
  turn(message) {
    if (message.status === "done" && troubled) page.notice(null);
    troubled &&= message.status !== "done";
    const end = () => {
      const answered = transcript.end(message.turn, message.status);
      if (message.status === "failed" && !answered) transcript.note("No answer came.");
    };
    if (message.status === "done") show.last(end); // behind its last sentence
    else end();
  },
  memory: ({ status, lines }) => transcript.memory(status, lines),
  tool(message) {
    if (message.status !== "called" && typeof message.text === "string") transcript.note(message.text);
  },
  error(message) {
    page.notice(sentence(message.message) || "Something went wrong on the server.");
    troubled = !message.fatal;
    if (message.fatal) call.hangUp();
  },
  timing(message) {
    const moments = Object.entries(message.stages ?? {}).filter(([, ms]) => Number.isFinite(ms));
    if (!moments.length) return;
    moments.sort(([, one], [, other]) => one - other);
    page.timing(moments.at(-1)[1], moments);
  },
};

function frame() {
  show.advance();
  avatar.frame(performance.now());
  page.level(call.muted ? 0 : meter.read());
  requestAnimationFrame(frame);
}

call.addEventListener("message", ({ detail }) => {
  if (Object.hasOwn(heard, detail.t)) heard[detail.t](detail);
});
choosePersona(call, document.querySelector("#persona"), ({ title, avatar: model }, first) => {
  if (title) page.avatarName = title;
  avatars.dress(model);
  if (title && !first) transcript.note(`${title} goes on.`);
});
watchRecording(call, document.querySelector("#recorded"));
call.addEventListener("receiver", ({ detail }) => clock.follow(detail));
call.addEventListener("stream", ({ detail }) => play(detail));
call.addEventListener("failure", ({ detail }) => page.notice(detail.message));
call.addEventListener("status", ({ detail }) => {
  if (detail.status !== "live") show.silence();
  else if (hold.on && call.hasMicrophone) call.mute(!hold.held);
  if (detail.status === "idle") {
    meter.close();
    page.voice.srcObject = null;
    session = null;
    health.start();
  }
  showState();
});
avatars.addEventListener("change", ({ detail }) => {
  avatar.use(detail.renderer);
  introduce();
});
eyes.addEventListener("trouble", ({ detail }) => page.notice(detail.message));
avatars.addEventListener("trouble", ({ detail }) => page.notice(detail.message));
menu.addEventListener("preview", ({ detail }) => avatar.expression(detail.expression, 1, 200));
room.addEventListener("change", showState);
health.addEventListener("change", ({ detail }) => page.health(detail));
transcript.addEventListener("change", ({ detail }) => page.row(detail));

hold.addEventListener("mode", () => {
  if (call.hasMicrophone) call.mute(hold.on);
  showState();
});
hold.addEventListener("talk", ({ detail }) => {
  if (detail) call.mute(false);
  call.send({ t: "talk", on: detail });
  if (!detail) call.mute(hold.on);
  showState();
});
page.addEventListener("start", start);
page.addEventListener("stop", stop);
page.addEventListener("mute", toggleMicrophone);
page.addEventListener("interrupt", () => call.send({ t: "interrupt" }));
page.addEventListener("text", async ({ detail }) => {
  if (eyes.shows) await eyes.look(); // the picture first: the words are answered at once
  if (!call.send({ t: "text", text: detail })) return;
  page.heard(detail, true);
  transcript.user(null, detail, true);
});
watchTouches(document.querySelector("main"), () => avatar.renderer, (area, x, y) => {
  avatar.touch(area);
  call.send({ t: "touch", area, x, y });
});
addEventListener("pointermove", (event) => avatar.lookAt(event.clientX, event.clientY), { passive: true });

/** A read-only window for tests and for curious people. */
window.vaidol = Object.freeze({
  get state() {
    return call.status === "live" ? doing : call.status;
  },
  get session() {
    return session;
  },
  get exact() {
    return clock.exact;
  },
  media: () => clock.media(),
  puppet: Object.freeze({
    get ids() {
      return avatar.renderer.ids;
    },
    value: (id) => avatar.renderer.value(id),
  }),
  transcript: () => transcript.entries(),
});

showState();
health.start();
const choice = asked.get("avatar");
clock.trimMs = Number.parseFloat(asked.get("trim_ms")) || 0; // the face waits: for slow (Bluetooth) loudspeakers
avatars.begin(choice).catch(() => page.notice("The avatar could not be drawn; the call works without it."));
requestAnimationFrame(frame);
setInterval(() => document.hidden && show.advance(), AWAY_MS);
