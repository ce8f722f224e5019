/** Tabs as WAI-ARIA has them: one stop for Tab, arrows between them, the panel behind each shown when chosen. */

export class Tabs extends EventTarget {
  constructor(root) {
    super();
    this.tabs = [...root.querySelectorAll("[role=tab]")];
    for (const tab of this.tabs) tab.addEventListener("click", () => this.show(panel(tab)));
    root.addEventListener("keydown", (event) => this.#key(event));
  }

  get shown() {
    return panel(this.tabs.find((tab) => tab.getAttribute("aria-selected") === "true"));
  }

  show(name, { focus = false } = {}) {
    for (const tab of this.tabs) {
      const chosen = panel(tab) === name;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      document.getElementById(panel(tab)).hidden = !chosen;
      if (chosen && focus) tab.focus();
    }
    this.dispatchEvent(new CustomEvent("show", { detail: name }));
  }

  #key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = this.tabs.indexOf(event.target);
    if (at < 0 || (!step && event.key !== "Home" && event.key !== "End")) return;
    const next = event.key === "Home" ? 0 : event.key === "End" ? this.tabs.length - 1 : (at + step + this.tabs.length) % this.tabs.length;
    event.preventDefault();
    this.show(panel(this.tabs[next]), { focus: true });
  }
}

const panel = (tab) => tab.getAttribute("aria-controls");
