/** A room with others: open one, or join by an invitation; who is there, who speaks, and what may be done about it. */

import { element } from "./element.js";

const NAME = "vaidol.person"; // the name by which others know this person, kept by this browser
const ORDERS = { round: "Everybody in turn", named: "Only who is asked" };

/** Events: `change`, when who speaks is another. */
export class Room extends EventTarget {
  #call;
  #host;
  #invited; // the invitation in this page's address, until it has been used
  #group = null;
  #rows = new Map(); // by member
  #title = element("span", {}, "Room");
  #name = element("input", { type: "text", maxlength: "60", autocomplete: "nickname", placeholder: "Guest" });
  #code = element("input", { type: "text", maxlength: "40", autocomplete: "off", spellcheck: "false", required: "" });
  #outside;
  #inside = element("div", { class: "inside", hidden: "" });
  #members = element("ul", { "aria-label": "Who is in the room" });
  #link = element("code", {});
  #said = element("span", { role: "status" });
  #rules;

  /** @param host a `details` element, @param call tells messages of the server, @param invited a code or null */
  constructor(host, call, invited) {
    super();
    this.#call = call;
    this.#host = host;
    this.#invited = invited;
    this.#name.value = kept();
    this.#outside = this.#entrance();
    this.#inside.append(this.#members, this.#invitation(), (this.#rules = this.#owners()), this.#ways());
    host.append(element("summary", {}, this.#title), this.#outside, this.#inside);
    if (invited) {
      host.open = true;
      host.dataset.invited = "";
      this.#title.textContent = "You are invited to a room";
    }
    call.addEventListener("message", ({ detail }) => detail.t === "group" && this.#told(detail));
    call.addEventListener("status", ({ detail }) => detail.status === "idle" && this.#told(null));
  }

  /** The avatar of another that speaks now; "" for none. */
  get speaker() {
    const group = this.#group;
    if (!group || group.speaks === group.you) return "";
    return group.members.find(({ id }) => id === group.speaks)?.character ?? "";
  }

  #entrance() {
    const open = element("button", { type: "button" }, "Open a room");
    open.addEventListener("click", () => this.#wish("open"));
    const join = element("form", {}, element("label", {}, "Invitation ", this.#code), element("button", { type: "submit" }, "Join"));
    join.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#wish("join", { code: this.#code.value });
    });
    this.#name.addEventListener("change", () => keep(this.#name.value.trim()));
    return element("div", { class: "outside" }, element("label", {}, "Your name ", this.#name), open, join);
  }

  #invitation() {
    const copy = element("button", { type: "button" }, "Copy link");
    copy.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(this.#address());
        this.#said.textContent = "Copied.";
      } catch {
        this.#said.textContent = this.#address(); // the browser does not let pages copy
      }
    });
    return element("p", { class: "invitation" }, "Invitation ", this.#link, copy, this.#said);
  }

  #address() {
    const address = new URL(document.baseURI);
    address.search = new URLSearchParams({ room: this.#group?.code ?? "" });
    address.hash = "";
    return address.href;
  }

  /** What only the owner may choose. */
  #owners() {
    const options = Object.entries(ORDERS).map(([value, text]) => element("option", { value }, text));
    const order = element("select", { name: "order" }, ...options);
    const anyone = element("input", { type: "checkbox", name: "anyone" });
    const form = element("form", {},
      element("label", {}, "Who answers ", order),
      element("label", { class: "check" }, anyone, " Everybody's voice interrupts"),
    );
    form.addEventListener("change", () => {
      const interrupt = anyone.checked ? "anyone" : "own";
      this.#wish("rules", { order: order.value, interrupt, rounds: this.#group.rounds });
    });
    return form;
  }

  #ways() {
    const leave = element("button", { type: "button" }, "Leave the room");
    leave.addEventListener("click", () => this.#wish("leave"));
    const dissolve = element("button", { type: "button", class: "owner" }, "Dissolve it");
    dissolve.addEventListener("click", () => this.#wish("dissolve"));
    return element("p", { class: "ways" }, leave, dissolve);
  }

  #wish(deed, more = {}) {
    this.#said.textContent = "";
    this.#call.send({ t: "group", do: deed, person: this.#name.value.trim(), ...more });
  }

  #told(group) {
    const before = this.speaker;
    const was = this.#group;
    this.#group = group?.code ? group : null;
    if (group && !group.code && this.#invited) {
      this.#wish("join", { code: this.#invited });
      this.#invited = null;
    } else if (!group || Boolean(was) !== Boolean(this.#group)) {
      this.#said.textContent = "";
      this.#host.open &&= group?.owner === group?.you && Boolean(this.#group); // who opened it needs the invitation
    }
    this.#draw();
    if (before !== this.speaker) this.dispatchEvent(new Event("change"));
  }

  #draw() {
    const group = this.#group;
    this.#outside.hidden = Boolean(group);
    this.#inside.hidden = !group;
    this.#host.toggleAttribute("data-inside", Boolean(group));
    if (!group) {
      if (!this.#invited) this.#title.textContent = "Room";
      return;
    }
    const owner = group.owner === group.you;
    const speaks = group.members.find(({ id }) => id === group.speaks)?.character;
    this.#title.textContent = `${group.members.length} in the room${speaks ? ` · ${speaks} speaks` : ""}`;
    this.#link.textContent = group.code.replace(/(.{4})(?=.)/g, "$1-");
    this.#host.toggleAttribute("data-owner", owner);
    this.#rules.hidden = !owner;
    this.#rules.elements.order.value = group.order;
    this.#rules.elements.anyone.checked = group.interrupt === "anyone";
    for (const [id, row] of this.#rows) {
      if (group.members.some((member) => member.id === id)) continue;
      row.remove();
      this.#rows.delete(id);
    }
    for (const member of group.members) this.#row(member, group, owner);
  }

  /** Rows are changed in place: a button keeps its focus while people speak. */
  #row(member, group, owner) {
    let row = this.#rows.get(member.id);
    if (!row) {
      const mute = element("button", { type: "button", class: "mute" });
      mute.addEventListener("click", () => {
        this.#wish("mute", { member: member.id, on: mute.getAttribute("aria-pressed") !== "true" });
      });
      const remove = element("button", { type: "button", class: "remove" }, "Send away");
      remove.addEventListener("click", () => this.#wish("remove", { member: member.id }));
      row = element("li", {}, element("b", {}), element("span", {}), mute, remove);
      this.#rows.set(member.id, row);
      this.#members.append(row);
    }
    const [person, character, mute, remove] = row.children;
    const self = member.id === group.you;
    const speaks = member.id === group.speaks;
    row.toggleAttribute("data-talks", member.talks);
    row.toggleAttribute("data-speaks", speaks);
    person.textContent = member.person + (self ? " (you)" : "") + (member.talks ? " talks" : "");
    character.textContent = member.character + (speaks ? " speaks" : member.muted ? " is muted" : "");
    mute.hidden = !owner && !self;
    mute.textContent = member.muted ? "Unmute" : "Mute";
    mute.setAttribute("aria-pressed", String(member.muted));
    mute.setAttribute("aria-label", `Mute ${member.character}`);
    remove.hidden = !owner || self;
    remove.setAttribute("aria-label", `Send ${member.person} away`);
  }
}

function kept() {
  try {
    return localStorage.getItem(NAME) ?? "";
  } catch {
    return ""; // this browser keeps nothing
  }
}

function keep(name) {
  try {
    localStorage.setItem(NAME, name);
  } catch {
    // it is asked again next time
  }
}
