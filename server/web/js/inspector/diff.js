/** Lines added and removed between two texts, with a little of what stands around them. */

const AROUND = 2;
const MOST = 4000; // lines of both together; longer texts are compared as a whole

/** [[" " | "+" | "-" | "…", line]]; empty when nothing differs. */
export function difference(before, after) {
  if (before === after) return [];
  const [a, b] = [before.split("\n"), after.split("\n")];
  if (a.length + b.length > MOST) return [["…", "too long to compare line by line"]];
  return shortened(compared(a, b));
}

function compared(a, b) {
  const wide = b.length + 1;
  const same = new Uint16Array((a.length + 1) * wide); // longest common tail from (i, j) on
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      same[i * wide + j] = a[i] === b[j] ? same[(i + 1) * wide + j + 1] + 1 : Math.max(same[(i + 1) * wide + j], same[i * wide + j + 1]);
    }
  }
  const found = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) found.push([" ", a[i++], j++]);
    else if (i < a.length && (j === b.length || same[(i + 1) * wide + j] >= same[i * wide + j + 1])) found.push(["-", a[i++]]);
    else found.push(["+", b[j++]]);
  }
  return found.map(([sign, line]) => [sign, line]);
}

function shortened(lines) {
  const near = lines.map((_, i) => lines.slice(Math.max(0, i - AROUND), i + AROUND + 1).some(([sign]) => sign !== " "));
  const found = [];
  lines.forEach((line, i) => {
    if (near[i]) found.push(line);
    else if (found.at(-1)?.[0] !== "…") found.push(["…", ""]);
  });
  return found;
}
