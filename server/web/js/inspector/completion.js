/** What may stand at the cursor of a pipeline file, read from the schema: keys, kinds, settings, values, ports. */

/** Keys that lead to the end of `text`, by indentation and by open braces: ["nodes", "tts", "with"]. */
export function path(text) {
  const lines = text.split("\n");
  const last = lines.pop();
  const dash = last.match(/^\s*-\s/);
  let indent = last.search(/\S|$/) + (dash ? 1 : 0);
  const found = inBraces(last);
  for (let i = lines.length - 1; i >= 0 && indent > 0; i -= 1) {
    const key = lines[i].match(/^(\s*)(?:- )?([\w.]+):\s*(?:#.*)?$/);
    if (!key || key[1].length >= indent) continue;
    indent = key[1].length;
    found.unshift(key[2]);
  }
  return found;
}

/** Keys whose `{` is still open at the end of a line. */
function inBraces(line) {
  const keys = [];
  let key = "";
  for (const part of line.matchAll(/([\w.]+):|[{}]/g)) {
    if (part[0] === "{") keys.push(key);
    else if (part[0] === "}") keys.pop();
    else key = part[1];
  }
  return keys.filter(Boolean);
}

export class Completion {
  constructor(schema, plan) {
    this.schema = schema;
    this.plan = plan;
  }

  /** A CodeMirror completion source. */
  source = (context) => {
    const before = context.state.sliceDoc(0, context.pos);
    const line = before.slice(before.lastIndexOf("\n") + 1);
    const word = line.match(/[\w.]*$/)[0];
    if (!word && !context.explicit && !/[:{,>-]\s$/.test(line)) return null;
    const options = this.options(before.slice(0, before.length - word.length), context.state.doc.toString());
    return options.length ? { from: context.pos - word.length, options, validFor: /^[\w.]*$/ } : null;
  };

  /** `before`: the text up to the word at the cursor; `whole`: all of it. */
  options(before, whole) {
    const line = before.slice(before.lastIndexOf("\n") + 1);
    const way = path(before);
    const value = line.match(/([\w.]+):\s+$/)?.[1];
    if (way[0] === "edges" && !value) return this.#ends(line, whole);
    const part = this.#at(way, whole);
    if (value) return values(this.#property(part, value), this.#kinds(value));
    return Object.entries(part?.properties ?? {}).map(([name, one]) => ({ label: name, apply: `${name}: `, type: "property", info: one.description }));
  }

  #at(way, whole) {
    if (!way.length) return this.schema;
    const [room, name, ...rest] = way;
    if (room === "turn") return this.#defs("TurnSpec");
    if (room === "edges") return this.#defs("EdgeSpec");
    if (room !== "nodes" || !name) return null;
    if (!rest.length) return this.#defs("NodeSpec");
    if (rest[0] === "with") return this.#defs(kindOf(whole, name));
    return rest[0] === "on_error" ? this.#defs("OnError") : null;
  }

  #defs(name) {
    const own = this.plan?.kinds?.[name];
    return this.schema.$defs[name] ?? (own ? own.schema : null);
  }

  #property(part, name) {
    const found = part?.properties?.[name];
    const inner = found?.anyOf?.find((one) => one.enum || one.type === "boolean" || one.$ref) ?? found;
    return inner?.$ref ? this.#defs(inner.$ref.split("/").at(-1)) : inner;
  }

  #kinds(value) {
    if (value !== "use") return [];
    const names = new Set([...(this.schema.$defs.NodeSpec.properties.use.enum ?? []), ...Object.keys(this.plan?.kinds ?? {})]);
    return [...names].sort().map((label) => ({ label, type: "class", info: this.#defs(label)?.description }));
  }

  /** Both ends of an edge: nodes of the text with the ports that are known of them. */
  #ends(line, whole) {
    const output = !line.includes("->");
    const nodes = [...whole.matchAll(/^ {2}([a-z][\w]*):/gm)].map(([, name]) => name);
    return nodes.flatMap((name) => {
      const node = this.plan?.nodes.find((one) => one.name === name);
      const ports = node ? (output ? node.outputs : node.inputs) : [];
      return ports.length ? ports.map((port) => ({ label: `${name}.${port.name}`, type: "variable", detail: port.frame })) : node ? [] : [{ label: `${name}.`, type: "variable" }];
    });
  }
}

function values(part, kinds) {
  if (kinds.length) return kinds;
  if (part?.enum) return part.enum.map((one) => ({ label: String(one), type: "enum" }));
  return part?.type === "boolean" ? ["true", "false"].map((label) => ({ label, type: "keyword" })) : [];
}

/** The kind of node `name` in the text, wherever its `use` stands. */
function kindOf(whole, name) {
  const block = whole.match(new RegExp(`^ {2}${name}:(.*(?:\\n(?: {3,}.*|\\s*$))*)`, "m"))?.[1] ?? "";
  return block.match(/\buse:\s*([\w.]+)/)?.[1] ?? "";
}
