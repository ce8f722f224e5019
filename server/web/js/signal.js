/** What every connection to the server needs: a first address, an answer or a refusal, and messages that are sound. */

const CANDIDATE_MS = 150; // the server learns the browser's other addresses from its connectivity checks

/** What the server refused, in its own words. */
export class CallRefused extends Error {
  constructor(message, code, retry) {
    super(message);
    this.code = code;
    this.retry = retry;
  }
}

/** Resolve at the first address of our own, so that the offer leaves at once and yet is not empty. */
export function firstCandidate(peer) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, CANDIDATE_MS);
    peer.addEventListener("icecandidate", (event) => {
      if (event.candidate?.candidate.includes(".local")) return; // hidden behind mDNS: no use to the server
      clearTimeout(timer);
      resolve();
    });
  });
}

/** The message as an object with a string `t`, or null. */
export function parse(text) {
  let message = null;
  try {
    message = JSON.parse(text);
  } catch (fault) {
    if (!(fault instanceof SyntaxError)) throw fault;
  }
  if (typeof message?.t === "string") return message;
  console.warn("vaidol: ignored a malformed message");
  return null;
}

export async function post(url, request) {
  try {
    const response = await fetch(url, request);
    return { response, body: await response.text() };
  } catch (fault) {
    if (fault.name === "TimeoutError") throw new CallRefused("The server took too long to answer.", "timeout", true);
    throw new CallRefused("The server cannot be reached. Is it still running?", "unreachable", true);
  }
}

export function refusal(status, body) {
  let error = null;
  try {
    error = JSON.parse(body).error;
  } catch (fault) {
    if (!(fault instanceof SyntaxError)) throw fault;
  }
  const message = error?.message ?? `The server refused the call (${status}).`;
  return new CallRefused(message, error?.code ?? String(status), status >= 500 || status === 429);
}
