/** Shapes of the puppet's face as SVG path data, in the units of puppet.svg (face centre x = 400). */

const mix = (from, to, part) => from + (to - from) * part;
const n = (value) => Math.round(value * 10) / 10;
const p = (point) => `${n(point.x)} ${n(point.y)}`;
const cubic = ([, one, two, end]) => `C${p(one)} ${p(two)} ${p(end)}`;
const moved = (point, [x, y]) => ({ x: point.x + x, y: point.y + y });
const rise = (curve, ...by) => curve.map((point, index) => moved(point, by[index]));

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
  const chin = { x: 400 + 13 * turn, y: 549 - 7 * lift };
  const side = (sign) => 4 * turn + sign * (8 * puff - 3 * sign * turn);
  const l = side(-1);
  const r = side(1);
  return (
    `M${n(258 + 3 * turn)} 330C${n(255 + l)} 396 ${n(258 + l)} 444 ${n(279 + l)} 478` +
    `C${n(301 + l)} 512 ${n(chin.x - 36)} ${n(chin.y - 4)} ${p(chin)}` +
    `C${n(chin.x + 36)} ${n(chin.y - 4)} ${n(499 + r)} 512 ${n(521 + r)} 478` +
    `C${n(542 + r)} 444 ${n(545 + r)} 396 ${n(542 + 3 * turn)} 330` +
    `C542 230 486 180 400 180C314 180 258 230 ${n(258 + 3 * turn)} 330z`
  );
}

/**
 * An eye; sign +1 is the one on the right of the screen (the character's left).
 * open 0..1.3; smile 0..1 turns the closed lid into an arch; slant -1..1 lowers the inner or the outer half of the
 * lid (angry, sad). Returns path data by part.
 */
export function eye(sign, open, smile, slant) {
  const wide = 84 * sign;
  const shut = 1 - Math.min(1, open);
  const inner = { x: 400 + 34 * sign, y: 411 + shut * (12 + 10 * smile) };
  const outer = { x: inner.x + wide, y: 402 + shut * (16 + 16 * smile) };
  const meet = mix(25, -44, smile); // control height where the lids meet
  const top = mix(meet, -74, open);
  const bottom = mix(meet, mix(41, 13, smile), Math.min(1, open * 1.7));
  const lid = (height, lean) => [
    inner,
    { x: inner.x + (0.14 + lean) * wide, y: inner.y + height },
    { x: inner.x + 0.82 * wide, y: inner.y + height * 0.98 - 2 },
    outer,
  ];
  const droop = Math.min(1, open) * (1 - smile);
  const inward = [0, 34 * droop * Math.max(0, -slant)];
  const upper = rise(lid(top, 0), [0, 0], inward, [0, 16 * droop * Math.max(0, slant)], [0, 0]);
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
    centre: { x: 400 + 75 * sign, y: 402 },
    tear: { x: inner.x + 0.62 * wide, y: inner.y + bottom * 0.72 },
  };
}

/** A brow around its own centre, inner end towards the nose; form -1..1 bends it down or up. */
export function brow(sign, form) {
  const x = (value) => n(value * sign);
  const arch = -10 - 9 * form;
  return (
    `M${x(-31)} 4C${x(-14)} ${n(arch)} ${x(10)} ${n(arch - 4)} ${x(36)} 5` +
    `C${x(12)} ${n(arch + 4)} ${x(-10)} ${n(arch + 8)} ${x(-29)} 9C${x(-33)} 8 ${x(-33)} 6 ${x(-31)} 4z`
  );
}

/** The mouth. open 0..1, form -1..1 (corners down or up), wide -1..1 (round or spread), skew -1..1, wave 0..1. */
export function mouth({ open, form, wide, skew, wave }) {
  const round = Math.max(0, -wide) * open; // rounder lips: level corners, control points further out
  const curl = form * (1 - 0.8 * round);
  const half = 31 + 9 * Math.max(0, form) + 15 * wide * (1 - 0.2 * open) - 3 * open;
  const y = 499 - 3 * form - 8 * curl;
  const left = { x: 400 - half + 5 * skew, y: y + 7 * skew };
  const right = { x: 400 + half + 9 * skew, y: y - 8 * skew };
  const rest = y + 18 * curl - 3; // the middle hangs below the corners in a smile
  const topY = rest - open * (9 + 6 * round);
  const lowY = rest + open * (42 - 6 * round);
  const ripple = 8 * wave * (1 - open);
  const spread = 0.34 - 0.16 * round;
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
    lip: `M${n(middle - 9)} ${n(lowY + 11 - 4 * open)}q9 4 18 0`,
    top: topY,
    low: lowY,
    middle,
    half,
  };
}

/** A tear that grows on the lower lid and hangs from it. */
export function tear({ x, y }, size) {
  const r = 8 * size;
  const top = `${n(x)} ${n(y - 14 * size)}`;
  const low = n(y + r);
  return (
    `M${top}C${n(x + r)} ${n(y)} ${n(x + r)} ${low} ${n(x)} ${low}` +
    `C${n(x - r)} ${low} ${n(x - r)} ${n(y)} ${top}z`
  );
}
