/** The page of what is remembered: facts, and earlier conversations to search, read, rename, export, delete, go on. */

import { remember, remembers, whoami } from "./whoami.js";

const TYPING_MS = 250;
const host = document.getElementById("chats");
const told = document.getElementById("told");
const search = document.getElementById("search");
let asked = 0; // answers to older questions are dropped

/** What the server answers at api/`path`; throws an Error in its words. */
async function ask(path, { method = "GET", body, ...query } = {}) {
  const url = new URL(`api/${path}`, document.baseURI);
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
  const path = `history/${encodeURIComponent(chat.id)}`;
  const lines = element("div");
  const text = new URL(`api/${path}`, document.baseURI);
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
showFacts().catch((fault) => {
  told.textContent = fault.message;
});
    }),
    element("a", { href: text, download: "conversation.txt", textContent: "Export" }),
    button("Delete", async () => {
      if (!confirm(`Delete “${chat.title}” for good?`)) return;
      await ask(path, { method: "DELETE" });
      await show();
showFacts().catch((fault) => {
  told.textContent = fault.message;
});
    }),
    lines,
  );
}

function fact({ id, text, said, persona, since }) {
  const when = new Date(since).toLocaleDateString();
  return element(
    "li",
    {},
    element("b", { textContent: text }),
    ` – “${said}” (to ${persona}, ${when}) `,
    button("Forget", async () => {
      await ask(`memory/${id}`, { method: "DELETE" });
      await showFacts();
      return `Forgotten: ${text}`;
    }),
  );
}

async function showFacts() {
  const { facts, by, why } = await ask("memory");
  document.getElementById("facts").replaceChildren(...facts.map(fact));
  const found = by === "meaning" ? "by what it means and by its words" : `by its words alone: ${why}`;
  const none = facts.length ? "" : "None yet. ";
  const how = `${none}The avatar is reminded of what fits to what you say, found ${found}.`;
  document.getElementById("how").textContent = how;
  document.getElementById("known").hidden = false;
}

async function show() {
  const mine = (asked += 1);
  try {
    const { chats } = await ask("history", { q: search.value });
    if (mine !== asked) return;
    host.replaceChildren(...chats.map(row));
    if (!chats.length) host.append(element("p", { textContent: "There is none." }));
  } catch (fault) {
    if (mine === asked) told.textContent = fault.message;
  }
  host.ariaBusy = "false";
}

const wish = document.getElementById("remember");
wish.checked = remembers();
wish.addEventListener("change", () => remember(wish.checked));
document.getElementById("forget-all").addEventListener("click", async () => {
  if (!confirm("Forget all conversations and all facts about you, for good?")) return;
  try {
    await ask("history", { method: "DELETE" });
    await Promise.all([show(), showFacts()]);
    told.textContent = "Everything is forgotten.";
  } catch (fault) {
    told.textContent = fault.message;
  }
});

let typing = 0;
search.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(show, TYPING_MS);
});
show();
showFacts().catch((fault) => {
  told.textContent = fault.message;
});
