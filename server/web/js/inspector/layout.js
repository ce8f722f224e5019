/** Where nodes and edges of a plan go: dagre places the nodes, edges run from port to port. */

import { graphlib, layout } from "../../vendor/dagre.js";

export const WIDTH = 158;
const HEAD = 58; // above the first port
const PORT = 17; // from one port to the next
const REACH = 36; // how far a curve leaves its port before it turns

/** `{nodes: Map(name -> {x, y, width, height, ports}), edges: Map(name -> {path, middle}), width, height}`. */
export function arrange(plan) {
  const graph = new graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: 26, ranksep: 62, edgesep: 12, marginx: 24, marginy: 24 });
  graph.setDefaultEdgeLabel(() => ({}));
  const wired = new Set(plan.edges.flatMap((edge) => [edge.source, edge.target]));
  for (const node of plan.nodes) {
    const rows = Math.max(node.inputs.length, node.outputs.length, 1);
    graph.setNode(node.name, { width: WIDTH, height: HEAD + rows * PORT + 4, loose: !wired.has(node.name) });
  }
  for (const edge of plan.edges) {
    const [from, to] = edge.feedback ? [edge.target, edge.source] : [edge.source, edge.target];
    graph.setEdge(from, to, { weight: edge.feedback ? 0 : 2 }, edge.name);
  }
  layout(graph);
  const nodes = new Map();
  for (const node of plan.nodes) {
    const { x, y, width, height } = graph.node(node.name);
    const place = { x: x - width / 2, y: y - height / 2, width, height, ports: new Map() };
    node.inputs.forEach((port, i) => place.ports.set(`in.${port.name}`, { x: 0, y: HEAD + (i + 0.5) * PORT, port }));
    node.outputs.forEach((port, i) => place.ports.set(`out.${port.name}`, { x: width, y: HEAD + (i + 0.5) * PORT, port }));
    nodes.set(node.name, place);
  }
  const edges = new Map();
  for (const edge of plan.edges) {
    const [from, to] = edge.feedback ? [edge.target, edge.source] : [edge.source, edge.target];
    const bends = graph.edge({ v: from, w: to, name: edge.name }).points.slice(1, -1);
    edges.set(edge.name, route(edge, nodes, edge.feedback ? bends.reverse() : bends));
  }
  const { width, height } = graph.graph();
  return { nodes, edges, width, height };
}

function route(edge, nodes, bends) {
  const from = end(nodes.get(edge.source), `out.${edge.source_port}`);
  const to = end(nodes.get(edge.target), `in.${edge.target_port}`);
  if (to.x < from.x + 20) return around(from, to, nodes);
  const stops = [from, ...(bends.length > 1 ? bends : []), to];
  let path = `M${from.x},${from.y}`;
  for (let i = 1; i < stops.length; i += 1) {
    const [a, b] = [stops[i - 1], stops[i]];
    const reach = Math.max(Math.min(REACH, (b.x - a.x) / 2), 12);
    path += `C${a.x + reach},${a.y} ${b.x - reach},${b.y} ${b.x},${b.y}`;
  }
  const at = stops.length > 2 ? stops[Math.floor(stops.length / 2)] : { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  return { path, middle: at };
}

/** The way back of a cycle: out of the right side, below both nodes, into the left side. */
function around(from, to, nodes) {
  let low = Math.max(from.y, to.y);
  for (const place of nodes.values()) {
    const between = place.x < from.x + 10 && place.x + place.width > to.x - 10;
    const near = place.y < low + 40 && place.y + place.height > low;
    if (between && near) low = Math.max(low, place.y + place.height);
  }
  const y = low + 16 + (Math.abs(from.y + to.x) % 12);
  const [right, left] = [from.x + 26, to.x - 26];
  const path =
    `M${from.x},${from.y}C${right + 14},${from.y} ${right + 14},${y} ${right - 14},${y}` +
    `L${left + 14},${y}C${left - 14},${y} ${left - 14},${to.y} ${to.x},${to.y}`;
  return { path, middle: { x: (right + left) / 2, y } };
}

function end(place, key) {
  const port = place.ports.get(key);
  return { x: place.x + port.x, y: place.y + port.y };
}

/** The node nearest to `name` in a direction ("ArrowLeft" ...), or null. */
export function neighbour(nodes, name, key) {
  const from = centre(nodes.get(name));
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  let best = null;
  for (const [other, place] of nodes) {
    const to = centre(place);
    const along = (to.x - from.x) * dx + (to.y - from.y) * dy;
    const aside = Math.abs((to.x - from.x) * dy) + Math.abs((to.y - from.y) * dx);
    if (other === name || along < 8) continue;
    const cost = along + 2.5 * aside;
    if (!best || cost < best.cost) best = { other, cost };
  }
  return best?.other ?? null;
}

const centre = ({ x, y, width, height }) => ({ x: x + width / 2, y: y + height / 2 });
