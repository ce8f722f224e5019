/** Who speaks: a list to choose from while a call runs; the server says who it is, and the page shows that avatar. */

/**
 * @param {import("./call.js").Call} call  tells messages of the server, and takes the wish
 * @param {HTMLElement} host  holds the list
 * @param {(persona: {name: string, title: string, avatar: string}, first: boolean) => void} speaks  from now on;
 *   `first`: nobody did before in this call
 */
export function choosePersona(call, host, speaks) {
  const list = host.querySelector("select");
  let shown = null;

  async function fill() {
    try {
      const answer = await fetch(new URL("../../api/personas", import.meta.url));
      const { personas } = await answer.json();
      list.replaceChildren(...personas.map(({ name, title, about }) => {
        const row = new Option(title, name);
        row.title = about;
        return row;
      }));
    } catch {
      list.replaceChildren(); // no server; the call says so more clearly
    }
  }

  call.addEventListener("message", async ({ detail }) => {
    if (detail.t !== "persona") return;
    if (!list.options.length) await fill();
    host.hidden = !detail.name || list.options.length < 2;
    list.value = detail.name;
    list.disabled = false;
    if (shown !== detail.name) speaks(detail, shown === null);
    shown = detail.name;
  });
  call.addEventListener("status", ({ detail }) => {
    if (detail.status === "idle") {
      host.hidden = true;
      shown = null;
    }
  });
  list.addEventListener("change", () => {
    list.disabled = true; // until the server has answered
    call.send({ t: "persona", name: list.value });
  });
}
