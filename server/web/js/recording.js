/** The notice that the call is being recorded: shown as long as the server says so. */

/**
 * @param {EventTarget} call  tells messages of the server, and when the call ends
 * @param {HTMLElement} notice
 */
export function watchRecording(call, notice) {
  call.addEventListener("message", ({ detail }) => {
    if (detail.t === "hello") notice.hidden = true; // what is recorded now is told next
    if (detail.t === "recording") notice.hidden = detail.on !== true;
  });
  call.addEventListener("status", ({ detail }) => {
    if (detail.status === "idle") notice.hidden = true;
  });
}
