/** Clicks and taps on the avatar: what was touched, and where. */

const FAR = 12; // px between down and up that make it a drag and no tap
const QUIET_MS = 250; // between two touches
const CONTROLS = "button, input, a, form, dialog, select, summary, [role=alert]";

/**
 * Call `touched(area, x, y)` for each tap that hits an area of the renderer, also through the subtitles over it;
 * x, y: -1..1 from the middle of its host, up and right positive.
 */
export function watchTouches(ground, renderer, touched) {
  let down = null;
  let last = -Infinity;
  ground.addEventListener("pointerdown", (event) => {
    const ours = event.isPrimary && event.button === 0 && !event.target.closest(CONTROLS);
    down = ours ? { x: event.clientX, y: event.clientY } : null;
  });
  ground.addEventListener("pointerup", (event) => {
    if (!down || !event.isPrimary || Math.hypot(event.clientX - down.x, event.clientY - down.y) > FAR) return;
    down = null;
    const area = renderer().hit(event.clientX, event.clientY);
    if (area === null || event.timeStamp - last < QUIET_MS) return;
    last = event.timeStamp;
    const box = renderer().host.getBoundingClientRect();
    const x = (2 * (event.clientX - box.left)) / box.width - 1;
    const y = 1 - (2 * (event.clientY - box.top)) / box.height;
    touched(area, clamp(x), clamp(y));
  });
  ground.addEventListener("pointermove", (event) => {
    const touchable = event.pointerType === "mouse" && !event.target.closest(CONTROLS);
    const over = touchable && renderer().hit(event.clientX, event.clientY) !== null;
    ground.style.cursor = over ? "pointer" : "";
  }, { passive: true });
}

const clamp = (value) => Math.min(1, Math.max(-1, value));
