/** Loads the Cubism runtime that the user has put on the server; vaidol ships none of it. */

let loading = null;

/**
 * PIXI with Live2D in it. Rejects with an Error for people.
 * @param runtime as told by live2d-models/info: {ready, scripts: addresses in order}
 */
export function loadRuntime(runtime) {
  loading ??= loadAll(runtime.scripts).catch((fault) => {
    loading = null; // the user may have put it right
    throw fault;
  });
  return loading;
}

async function loadAll(scripts) {
  for (const address of scripts) await loadScript(address);
  if (!window.PIXI?.Application) throw new Error("The runtime's pixi.min.js is not PixiJS 6 or 7.");
  if (!window.Live2DCubismCore) throw new Error("The runtime's live2dcubismcore.min.js is not Live2D's Cubism core.");
  if (!window.PIXI.live2d?.Live2DModel) throw new Error("The runtime's cubism4.min.js is not pixi-live2d-display.");
  return window.PIXI;
}

function loadScript(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL(`../../${address}`, import.meta.url);
    script.onload = resolve;
    script.onerror = () => reject(new Error(`The runtime's ${address.split("/").at(-1)} could not be loaded.`));
    document.head.append(script);
  });
}
