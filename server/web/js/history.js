/** The page of earlier conversations: search, read, rename, export, delete, go on. */

import { whoami } from "./whoami.js";

const TYPING_MS = 250;
const host = document.getElementById("chats");
const told = document.getElementById("told");
const search = document.getElementById("search");
let asked = 0; // answers to older questions are dropped

/** What the server answers; throws an Error in its words. */
async function ask(path, { method = "GET", body, ...query } = {}) {
  const url = new URL(`api/history${path}`, document.baseURI);
  url.search = new URLSearchParams({ user: whoami(), ...query });
  const answer = await fetch(url, { method, body: body && JSON.stringify(body) });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error?.message ?? `The server answered ${answer.status}.`);
  return said;
}

function element(kind, properties = {}, ...children) {
  const made = Object.assign(document.createElement(kind), properties);
  made.append(...children);
  return made;
}

/** A button that does `work`, and tells what came of it. */
function button(text, work) {
  const made = element("button", { type: "button", textContent: text });
  made.addEventListener("click", async () => {
    try {
      const said = await work();
      if (said !== undefined) told.textContent = said;
    } catch (fault) {
      told.textContent = fault.message;
    }
  });
  return made;
}

function row(chat) {
  const path = `/${encodeURIComponent(chat.id)}`;
  const lines = element("div");
  const text = new URL(`api/history${path}`, document.baseURI);
  text.search = new URLSearchParams({ user: whoami(), format: "text" });
  const when = new Date(chat.changed).toLocaleString();
  return element(
    "section",
    {},
    element("h2", { textContent: chat.title || "(no title)" }),
    element("p", { textContent: `${chat.persona}, ${when}, ${chat.lines} lines${chat.found && `: ${chat.found}`}` }),
    button("Read", async () => {
      const said = (await ask(path)).lines.map(({ role, text }) => `${role === "user" ? "You" : "Avatar"}: ${text}`);
      lines.replaceChildren(...said.map((textContent) => element("p", { textContent })));
      return "";
    }),
    button("Go on", async () => {
      await ask(`${path}/resume`, { method: "POST", body: {} });
      return `The call goes on with “${chat.title}”.`;
    }),
    button("Rename", async () => {
      const title = prompt("Another name", chat.title)?.trim();
      if (!title) return;
      await ask(path, { method: "PATCH", body: { title } });
      await show();
    }),
    element("a", { href: text, download: "conversation.txt", textContent: "Export" }),
    button("Delete", async () => {
      if (!confirm(`Delete “${chat.title}” for good?`)) return;
      await ask(path, { method: "DELETE" });
      await show();
    }),
    lines,
  );
}

async function show() {
  const mine = (asked += 1);
  try {
    const { chats } = await ask("", { q: search.value });
    if (mine !== asked) return;
    host.replaceChildren(...chats.map(row));
    told.textContent = chats.length ? "" : "There is none.";
  } catch (fault) {
    if (mine === asked) told.textContent = fault.message;
  }
  host.ariaBusy = "false";
}

let typing = 0;
search.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(show, TYPING_MS);
});
show();
