/** Finds the moving parts of puppet.svg. */

/** Every moving part of the drawing, looked up once. */
export function collect(svg) {
  const one = (selector) => svg.querySelector(selector);
  const all = (selector) => [...svg.querySelectorAll(selector)];
  return {
    root: one("#p-root"),
    body: one("#p-body"),
    head: one("#p-head"),
    backHair: one("#p-hair-back"),
    arm: one("#p-arm"),
    outline: one("#p-face"),
    outlineClip: one("#p-face-clip-path"),
    layers: all("[data-dx]").map((element) => {
      return { element, dx: Number(element.dataset.dx), dy: Number(element.dataset.dy) };
    }),
    strands: all(".strand").map((element) => {
      const { hair, pivot, amp } = element.dataset;
      return { element, hair, pivot, amp: Number(amp) };
    }),
    cups: [{ element: one("#p-cup-L"), sign: 1 }, { element: one("#p-cup-R"), sign: -1 }],
    eyes: Object.fromEntries(all(".eye").map((layer) => [layer.dataset.side, eyeParts(svg, layer)])),
    brows: Object.fromEntries(all(".brow").map((layer) => [layer.dataset.side, layer.firstElementChild])),
    mouthShape: one("#p-mouth-shape"),
    mouthLine: one("#p-mouth-line"),
    lip: one("#p-lip"),
    tongue: one("#p-tongue"),
    teeth: one("#p-teeth"),
    sweat: one("#p-sweat"),
    anger: one("#p-anger"),
    sparkles: one("#p-sparkles"),
    hearts: one("#p-hearts"),
    shade: one("#p-shade"),
    cheeks: one("#p-cheeks"),
    blushLines: one("#p-blush-lines"),
  };
}

function eyeParts(svg, layer) {
  const names = ["white", "shade", "lash", "crease", "lower", "ball", "light", "heart", "pupil", "tear"];
  const parts = Object.fromEntries(names.map((name) => [name, layer.querySelector(`.${name}`)]));
  return { ...parts, clip: svg.querySelector(`#p-eye-shape-${layer.dataset.side}`), frame: inside(layer) };
}

/** Wrap what a layer holds, so that the layer can shift and its content can scale. */
function inside(layer) {
  const frame = document.createElementNS("http://www.w3.org/2000/svg", "g");
  frame.append(...layer.childNodes);
  layer.append(frame);
  return frame;
}
