/** A form made from a settings schema. It hands over what was changed and nothing else, so secrets stay where they are. */

import { el } from "./dom.js";

const MASK = "**********";
let count = 0;

/** `apply(patch, note)`: patch holds the changed settings; note(text, good) says what came of it. */
export function settingsForm(schema, values, apply) {
  const fields = Object.entries(schema.properties ?? {}).map(([name, part]) => new Field(name, resolved(part, schema), values[name]));
  if (!fields.length) return el("p", { class: "soft" }, "This kind has no settings.");
  const said = el("p", { class: "said", role: "status" });
  const send = el("button", { type: "submit", class: "main", disabled: true }, "Apply live");
  const undo = el("button", { type: "reset", disabled: true }, "Undo");
  const form = el("form", { class: "settings", autocomplete: "off", novalidate: true }, ...fields.map((field) => field.row), el("p", { class: "buttons" }, send, undo, said));
  const changed = () => fields.filter((field) => field.changed);
  const look = () => {
    const any = changed().length > 0;
    send.disabled = !any || fields.some((field) => field.faulty);
    undo.disabled = !any;
  };
  const note = (text, good) => {
    said.textContent = text;
    said.dataset.good = good;
  };
  form.addEventListener("input", look);
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    for (const field of fields) field.reset();
    note("", true);
    look();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (send.disabled) return;
    note("Applying…", true);
    apply(Object.fromEntries(changed().map((field) => [field.name, field.value])), note);
  });
  return form;
}

class Field {
  constructor(name, part, value) {
    this.name = name;
    this.part = part;
    this.given = value;
    const id = `setting-${++count}`;
    this.input = this.#control(id);
    this.reset();
    this.input.addEventListener("input", () => this.#check());
    const about = part.description ? el("small", { id: `${id}-about` }, part.description.replaceAll("\n", " ")) : null;
    if (about) this.input.setAttribute("aria-describedby", about.id);
    this.row = el("div", { class: "field" }, el("label", { for: id }, name), this.input, about);
  }

  get secret() {
    return this.part.writeOnly || this.part.format === "password" || this.given === MASK;
  }

  get json() {
    return !["string", "number", "integer", "boolean"].includes(this.part.type) && !this.part.enum;
  }

  get text() {
    return this.input.type === "checkbox" ? this.input.checked : this.input.value;
  }

  get changed() {
    return this.text !== this.before;
  }

  get value() {
    if (this.input.type === "checkbox") return this.input.checked;
    if (this.json) return JSON.parse(this.input.value || "null");
    if (this.input.value === "" && this.part.nullable) return null;
    if (this.part.enum) return this.part.enum.find((one) => String(one) === this.input.value);
    return this.input.type === "number" ? Number(this.input.value) : this.input.value;
  }

  get faulty() {
    if (!this.input.checkValidity()) return true;
    try {
      return this.json && this.changed && JSON.parse(this.input.value || "null") === undefined;
    } catch {
      return true;
    }
  }

  reset() {
    const { given, part } = this;
    if (this.input.type === "checkbox") this.input.checked = Boolean(given);
    else if (this.secret) this.input.value = "";
    else this.input.value = given === null || given === undefined ? "" : this.json ? JSON.stringify(given) : String(given);
    if (part.type === "boolean") this.before = Boolean(given);
    else this.before = this.input.value;
    this.#check();
  }

  #check() {
    this.input.toggleAttribute("data-changed", this.changed);
    this.input.setAttribute("aria-invalid", String(this.changed && this.faulty));
  }

  #control(id) {
    const { part } = this;
    if (part.type === "boolean") return el("input", { id, type: "checkbox" });
    if (part.enum) return el("select", { id }, ...(part.nullable ? [el("option", { value: "" }, "–")] : []), ...part.enum.map((one) => el("option", {}, String(one))));
    if (part.type === "number" || part.type === "integer") {
      const step = part.type === "integer" ? 1 : "any";
      return el("input", { id, type: "number", step, min: part.minimum, max: part.maximum, required: !part.nullable });
    }
    if (this.secret) return el("input", { id, type: "password", placeholder: this.given ? "set; write to replace it" : "not set", autocomplete: "new-password" });
    const long = this.json || String(this.given ?? "").length > 60;
    return long ? el("textarea", { id, rows: 3, spellcheck: "false" }) : el("input", { id, type: "text", spellcheck: "false", maxlength: part.maxLength });
  }
}

/** A property's schema with its reference followed and "or null" folded into `nullable`. */
function resolved(part, schema) {
  const { description, default: fallback } = part;
  let found = part;
  let nullable = false;
  if (found.anyOf) {
    nullable = found.anyOf.some((one) => one.type === "null");
    const rest = found.anyOf.filter((one) => one.type !== "null");
    found = rest.length === 1 ? rest[0] : {};
  }
  if (found.$ref) found = schema.$defs?.[found.$ref.split("/").at(-1)] ?? {};
  if (found.const !== undefined) found = { enum: [found.const] };
  return { ...found, description: description ?? found.description, default: fallback, nullable };
}
