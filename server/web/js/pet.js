/** The page as a pet on the desktop (?pet): the avatar alone, in a call whenever there can be one. */

const AGAIN_MS = 3000; // after a call that ended or was refused

if (new URLSearchParams(location.search).has("pet")) {
  const start = document.getElementById("start");
  const sheet = document.createElement("link");
  sheet.rel = "stylesheet";
  sheet.href = new URL("../pet.css", import.meta.url);
  document.head.append(sheet);
  document.documentElement.classList.add("pet");
  let wait = 0;
  const begin = () => {
    if (start.disabled || document.body.dataset.call !== "idle") return;
    setTimeout(() => start.click(), wait);
    wait = AGAIN_MS;
  };
  new MutationObserver(begin).observe(start, { attributeFilter: ["disabled"] });
  new MutationObserver(begin).observe(document.body, { attributeFilter: ["data-call"] });
  begin();
}
