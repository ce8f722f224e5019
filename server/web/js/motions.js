/** Body clips as key frames [ms, value], added to whatever the face is doing; joined by smooth curves. */

export const MOTIONS = {
  nod: {
    ParamAngleY: [[0, 0], [170, -17], [360, 5], [540, -13], [800, 0]],
    ParamBodyAngleY: [[0, 0], [200, -2], [540, -1.5], [900, 0]],
  },
  shake: {
    ParamAngleX: [[0, 0], [170, -19], [400, 18], [630, -15], [840, 10], [1100, 0]],
    ParamAngleZ: [[0, 0], [170, -2], [400, 2], [630, -2], [1100, 0]],
    ParamBodyAngleX: [[0, 0], [220, -2], [450, 2], [1100, 0]],
  },
  wave: {
    ParamArmRA: [[0, 0], [420, 1], [1900, 1], [2400, 0]],
    ParamHandR: [[300, 0], [550, 1], [800, -1], [1050, 1], [1300, -1], [1550, 1], [1800, 0]],
    ParamAngleZ: [[0, 0], [420, -6], [1900, -6], [2400, 0]],
    ParamBodyAngleZ: [[0, 0], [420, -2.5], [1900, -2.5], [2400, 0]],
  },
  bow: {
    ParamAngleY: [[0, 0], [450, -26], [900, -26], [1400, 0]],
    ParamBodyAngleY: [[0, 0], [450, -9], [900, -9], [1400, 0]],
  },
  tilt: { ParamAngleZ: [[0, 0], [350, 16], [1300, 16], [1800, 0]] },
  bounce: {
    ParamBodyAngleY: [[0, 0], [120, -5], [300, 7], [480, -4], [660, 6], [900, 0]],
    ParamAngleZ: [[0, 0], [300, 5], [660, -5], [900, 0]],
  },
};

/** Value of a curve at `ms`; it holds its first and last value outside. */
export function sample(curve, ms) {
  let index = 0;
  while (index < curve.length && curve[index][0] <= ms) index += 1;
  if (index === 0) return curve[0][1];
  if (index === curve.length) return curve.at(-1)[1];
  const [[from, start], [to, end]] = [curve[index - 1], curve[index]];
  const part = (ms - from) / (to - from);
  return start + (end - start) * part * part * (3 - 2 * part);
}

export const length = (motion) => Math.max(...Object.values(motion).map((curve) => curve.at(-1)[0]));
