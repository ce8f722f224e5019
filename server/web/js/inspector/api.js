/** REST calls of the page, relative to it, so that a reverse proxy may put it anywhere. */

/** What the server refused: `message` for people, `code` and `body` for the page. */
export class Refused extends Error {
  constructor(status, body) {
    super(body?.error?.message ?? `the server answered ${status}`);
    this.status = status;
    this.code = body?.error?.code ?? "";
    this.body = body ?? {};
  }
}

export async function ask(method, path, { body = null, type = "application/json", signal } = {}) {
  const headers = body === null ? {} : { "Content-Type": type };
  const sent = body === null || typeof body === "string" ? body : JSON.stringify(body);
  let response;
  try {
    response = await fetch(path, { method, headers, body: sent, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, { error: { message: "the server cannot be reached" } });
  }
  const told = await response.json().catch(() => null);
  if (!response.ok) throw new Refused(response.status, told);
  return told;
}

export const session = (id, rest) => `api/sessions/${encodeURIComponent(id)}/${rest}`;

/** Save `data` as a file of the user's. */
export function save(name, data, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([data], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
