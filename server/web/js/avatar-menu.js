/** The dialog in which a person chooses the avatar, and says which expression of a model shows which feeling. */

import { PUPPET } from "./avatars.js";
import { element as made } from "./element.js";

/** Events: preview {expression} */
export class AvatarMenu extends EventTarget {
  #avatars;
  #dialog = made("dialog", { id: "avatars", "aria-labelledby": "avatars-title" });
  #list = made("div", { role: "radiogroup", "aria-labelledby": "avatars-title" });
  #trouble = made("p", { role: "status", id: "avatars-trouble" });
  #notes = made("form", { id: "avatar-notes", hidden: "" });

  /** @param button opens the dialog; @param avatars whom it shows and asks */
  constructor(button, avatars) {
    super();
    this.#avatars = avatars;
    const close = made("button", { type: "button", "aria-label": "Close" }, "Done");
    close.addEventListener("click", () => this.#dialog.close());
    this.#dialog.append(made("h2", { id: "avatars-title" }, "Avatar"), this.#list, this.#trouble, this.#notes, close);
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#dialog.close());
    this.#notes.addEventListener("submit", (event) => this.#save(event));
    document.body.append(this.#dialog);
    button.addEventListener("click", () => this.#open());
    avatars.addEventListener("change", () => this.#dialog.open && this.#draw());
    avatars.addEventListener("trouble", ({ detail }) => this.#tell(detail));
  }

  async #open() {
    this.#trouble.replaceChildren();
    this.#dialog.showModal();
    this.#draw();
    await this.#avatars.refresh();
    this.#draw();
  }

  #draw() {
    const { models, runtime, current } = this.#avatars;
    const focused = document.activeElement?.value;
    const puppet = { id: PUPPET, name: "Vai", about: "the drawn puppet" };
    this.#list.replaceChildren(...[puppet, ...models].map((model) => this.#row(model, current)));
    if (models.length === 0) this.#list.append(made("p", {}, "Your own Live2D models appear here: put each into a folder below live2d-models, or start the server with --live2d-models DIR."));
    else if (!runtime.ready && !this.#trouble.textContent) this.#tell({ message: "The Cubism runtime is not complete.", runtime: true });
    if (focused !== undefined) this.#list.querySelector(`input[value="${CSS.escape(focused)}"]`)?.focus();
    this.#drawNotes(models.find((model) => model.id === current));
  }

  #row(model, current) {
    const input = made("input", { type: "radio", name: "avatar", value: model.id });
    input.checked = model.id === current;
    input.disabled = Boolean(model.error);
    input.addEventListener("change", () => {
      this.#trouble.replaceChildren();
      this.#avatars.choose(model.id);
    });
    const about = model.about ?? (model.error || [counted(model.expressions, "expression"), counted(Object.values(model.motions).flat(), "motion"), ...model.warnings].join(" · "));
    return made("label", model.error ? { class: "broken" } : {}, input, made("b", {}, model.name), made("span", {}, about));
  }

  /** What is in the way; files that are missing by name, with the page of their licence. */
  #tell({ message, runtime }) {
    this.#trouble.replaceChildren(message);
    if (!runtime) return;
    const { missing, licence } = this.#avatars.runtime;
    const files = missing.map(({ name, about }) => made("li", {}, made("code", {}, name), ` ${about}`));
    const link = made("a", { href: licence, target: "_blank", rel: "noreferrer" }, "Live2D's licence");
    this.#trouble.append(" These files are missing:", made("ul", {}, ...files), "They are not part of vaidol; see ", link, ".");
  }

  /** A row for each feeling: which of the model's expressions shows it. */
  #drawNotes(model) {
    this.#notes.hidden = !model;
    if (!model || this.#notes.dataset.model === JSON.stringify(model)) return;
    this.#notes.dataset.model = JSON.stringify(model);
    const feelings = [...new Set([...model.feelings, ...Object.keys(model.emotions)])].sort();
    const rows = feelings.map((feeling) => this.#feeling(feeling, model));
    const size = made("input", { type: "range", name: "scale", min: "0.3", max: "3", step: "0.05", value: model.scale });
    const height = made("input", { type: "range", name: "y", min: "-1", max: "1", step: "0.02", value: model.y });
    const save = made("button", { type: "submit" }, "Save");
    this.#notes.replaceChildren(
      made("h3", {}, `What ${model.name} shows`),
      made("div", { class: "feelings" }, ...rows),
      made("label", {}, "Size", size),
      made("label", {}, "Height", height),
      save,
      made("output", { name: "said" }),
    );
  }

  #feeling(feeling, model) {
    const select = made("select", { name: feeling, "aria-label": `Expression for ${feeling}` });
    const own = model.notes.emotions?.[feeling];
    const guess = model.guessed[feeling];
    const choices = [["auto", guess ? `guessed: ${guess}` : "by itself"], ["none", "by itself"]].slice(0, guess ? 2 : 1);
    for (const [value, text] of choices) select.append(made("option", { value }, text));
    for (const { name } of model.expressions) select.append(made("option", { value: `=${name}` }, name));
    select.value = own === undefined ? "auto" : own === "" ? "none" : `=${own}`;
    select.addEventListener("change", () => {
      const shown = select.value === "auto" ? (guess ?? feeling) : select.value.slice(1);
      this.dispatchEvent(new CustomEvent("preview", { detail: { expression: select.value === "none" ? feeling : shown } }));
    });
    return made("label", {}, feeling, select);
  }

  async #save(event) {
    event.preventDefault();
    const model = this.#avatars.models.find(({ id }) => id === this.#avatars.current);
    const emotions = {};
    for (const { name, value } of this.#notes.querySelectorAll("select")) {
      if (value !== "auto") emotions[name] = value === "none" ? "" : value.slice(1);
    }
    const { scale, y, said } = this.#notes.elements;
    try {
      await this.#avatars.note(model.id, { ...model.notes, emotions, scale: Number(scale.value), y: Number(y.value) });
      this.#notes.elements.said.value = "Saved beside the model.";
    } catch (fault) {
      said.value = fault.message;
    }
  }
}

const counted = (list, word) => `${list.length} ${word}${list.length === 1 ? "" : "s"}`;
