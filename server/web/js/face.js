/** Shapes of the puppet's face as SVG path data, in the units of puppet.svg (face centre x = 400). */

const mix = (from, to, part) => from + (to - from) * part;
const n = (value) => Math.round(value * 10) / 10;
const p = (point) => `${n(point.x)} ${n(point.y)}`;
const cubic = ([, one, two, end]) => `C${p(one)} ${p(two)} ${p(end)}`;
const rise = (curve, ...by) => curve.map((point, index) => ({ x: point.x + by[index][0], y: point.y + by[index][1] }));

/** The part of a cubic between two positions, by de Casteljau. */
function piece(curve, from, to) {
  const cut = (points, part) => {
    if (points.length === 1) return { left: points, right: points };
    const next = points.slice(1).map((q, i) => ({ x: mix(points[i].x, q.x, part), y: mix(points[i].y, q.y, part) }));
    const deeper = cut(next, part);
    return { left: [points[0], ...deeper.left], right: [...deeper.right, points.at(-1)] };
  };
  return cut(cut(curve, to).left, from / to).right;
}

/** Outline of the face; turn and lift in -1..1, puff 0..1 rounds the cheeks. */
export function face(turn, lift, puff) {
  const chin = { x: 400 + 13 * turn, y: 556 - 7 * lift };
  const side = (sign) => 4 * turn + sign * (7 * puff - 3 * sign * turn);
  const l = side(-1);
  const r = side(1);
  return (
    `M${n(266 + 3 * turn)} 330C${n(264 + l)} 396 ${n(268 + l)} 446 ${n(288 + l)} 482` +
    `C${n(308 + l)} 516 ${n(chin.x - 34)} ${n(chin.y - 4)} ${p(chin)}` +
    `C${n(chin.x + 34)} ${n(chin.y - 4)} ${n(492 + r)} 516 ${n(512 + r)} 482` +
    `C${n(532 + r)} 446 ${n(536 + r)} 396 ${n(534 + 3 * turn)} 330C534 230 480 190 400 190C320 190 266 230 266 330z`
  );
}

/**
 * An eye; sign +1 is the one on the right of the screen (the character's left).
 * open 0..1.3, smile 0..1 turns the closed lid into an arch. Returns path data by part.
 */
export function eye(sign, open, smile) {
  const wide = 80 * sign;
  const shut = 1 - Math.min(1, open);
  const inner = { x: 400 + 33 * sign, y: 402 + shut * (12 + 10 * smile) };
  const outer = { x: inner.x + wide, y: 393 + shut * (16 + 16 * smile) };
  const meet = mix(25, -44, smile); // control height where the lids meet
  const top = mix(meet, -70, open);
  const bottom = mix(meet, mix(38, 12, smile), Math.min(1, open * 1.7));
  const lid = (height, lean) => [
    inner,
    { x: inner.x + (0.14 + lean) * wide, y: inner.y + height },
    { x: inner.x + 0.82 * wide, y: inner.y + height * 0.98 - 2 },
    outer,
  ];
  const upper = lid(top, 0);
  const lower = lid(bottom, 0.08);
  const back = [...lower].reverse();
  const outline = `M${p(inner)}${cubic(upper)}${cubic(back)}z`;
  const wing = { x: outer.x + 11 * sign, y: outer.y - mix(5, 9, open) * (1 - 1.6 * shut * smile) };
  const thick = rise(upper, [0, 0], [-2 * sign, -7], [6 * sign, -13], [0, 0]).reverse();
  const lash = `M${p(inner)}${cubic(upper)}L${p(wing)}L${n(outer.x + 3 * sign)} ${n(outer.y - 7)}${cubic(thick)}z`;
  const shadow = rise(upper, [0, 0], [0, 17], [0, 17], [0, 10]).reverse();
  const fold = piece(rise(upper, [0, -9], [2 * sign, -17], [3 * sign, -22], [4 * sign, -14]), 0.22, 0.86);
  const edge = piece(lower, 0.4, 0.96);
  return {
    outline,
    lash,
    shade: `M${p(inner)}${cubic(upper)}${cubic(shadow)}z`,
    crease: `M${p(fold[0])}${cubic(fold)}`,
    lower: `M${p(edge[0])}${cubic(edge)}`,
    centre: { x: 400 + 72 * sign, y: 393 },
    tear: { x: inner.x + 0.78 * wide, y: inner.y + bottom * 0.62 },
  };
}

/** A brow around its own centre, inner end towards the nose; form -1..1 bends it down or up. */
export function brow(sign, form) {
  const x = (value) => n(value * sign);
  const arch = -9 - 9 * form;
  return (
    `M${x(-31)} 4C${x(-14)} ${n(arch)} ${x(10)} ${n(arch - 4)} ${x(36)} 5` +
    `C${x(12)} ${n(arch + 4)} ${x(-10)} ${n(arch + 9)} ${x(-29)} 10C${x(-33)} 9 ${x(-33)} 6 ${x(-31)} 4z`
  );
}

/** The mouth. open 0..1, form -1..1 (corners down or up), wide -1..1 (round or spread), skew -1..1, wave 0..1. */
export function mouth({ open, form, wide, skew, wave }) {
  const half = (27 + 9 * Math.max(0, form) + 11 * wide - 5 * open) * (1 - 0.15 * open * (wide < 0 ? -wide : 0));
  const lift = -7 * form;
  const y = 500 - 3 * form;
  const left = { x: 400 - half + 5 * skew, y: y + lift + 7 * skew };
  const right = { x: 400 + half + 9 * skew, y: y + lift - 8 * skew };
  const sag = 9 * form; // the middle hangs below the corners in a smile
  const round = Math.max(0, -wide) * open;
  const topY = y + sag - 3 - open * (8 + 9 * round);
  const lowY = y + sag + open * 44 - 3 + 1 * round;
  const ripple = 8 * wave * (1 - open);
  const spread = 0.34 - 0.16 * round; // rounder lips: control points further out
  const reach = half * (1 - spread);
  const middle = (left.x + right.x) / 2;
  const bow = (height, way) => {
    const centre = { x: middle, y: height + ripple * 0.5 * way };
    const near = { x: left.x + (half - reach), y: mix(left.y, height, 0.95 - 0.55 * round) - ripple };
    const far = { x: right.x - (half - reach), y: mix(right.y, height, 0.95 - 0.55 * round) - ripple };
    return {
      there: `C${p(near)} ${n(middle - half * 0.4)} ${n(centre.y + ripple)} ${p(centre)}` +
        `C${n(middle + half * 0.4)} ${n(centre.y + ripple)} ${p(far)} ${p(right)}`,
      back: `C${p(far)} ${n(middle + half * 0.45)} ${n(centre.y)} ${p(centre)}` +
        `C${n(middle - half * 0.45)} ${n(centre.y)} ${p(near)} ${p(left)}`,
    };
  };
  const upper = bow(topY, 1).there;
  const lower = bow(open < 0.02 ? topY : lowY, 1);
  const shape = `M${p(left)}${upper}${lower.back}z`;
  return {
    shape,
    line: open < 0.02 ? `M${p(left)}${upper}` : shape,
    lip: `M${n(middle - 9)} ${n(lowY + 11)}q9 4 18 0`,
    top: topY,
    low: lowY,
    middle,
    half,
  };
}

/** A tear that grows on the lower lid and hangs from it. */
export function tear({ x, y }, size) {
  const r = 8 * size;
  return `M${n(x)} ${n(y - 14 * size)}C${n(x + r)} ${n(y)} ${n(x + r)} ${n(y + r)} ${n(x)} ${n(y + r)}C${n(x - r)} ${n(y + r)} ${n(x - r)} ${n(y)} ${n(x)} ${n(y - 14 * size)}z`;
}
