/** What the page says of the call, in words for people. */

const WORDS = {
  idle: "",
  connecting: "Connecting…",
  reconnecting: "Connection lost. Trying again…",
  listening: "Listening",
  thinking: "Thinking…",
  speaking: "Speaking",
};

/**
 * One line about the call. `doing` counts while `status` is live; `hears`: the microphone is open; `holds`: it is open
 * while a key is held; `calls`: what wakes the avatar; `asks`: the browser asks for the microphone.
 */
export function statusWords({ status, doing, hears, holds, calls, asks }) {
  if (asks) return "Waiting for the microphone…";
  if (status !== "live") return WORDS[status];
  if (doing === "asleep") return `Asleep: ${hears ? `say “${calls}”` : holds ? "hold to talk" : "write to wake it"}`;
  if (doing === "listening" && !hears) return holds ? "Hold to talk" : "Microphone off";
  return WORDS[doing];
}

/** Words from a log line's world as a sentence for people. */
export function sentence(text) {
  if (typeof text !== "string" || !text) return "";
  return text[0].toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".");
}
