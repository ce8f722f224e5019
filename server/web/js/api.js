/** The page of the REST interface: every route of openapi.json with what it takes. */

const METHODS = ["get", "post", "put", "patch", "delete"];

function element(tag, text, children = []) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

/** What a field may hold, in few words. */
function kind(schema) {
  if (schema.anyOf) return schema.anyOf.map(kind).join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(", ");
  const low = schema.minimum ?? schema.exclusiveMinimum;
  const high = schema.maximum ?? schema.exclusiveMaximum;
  const range = low === undefined && high === undefined ? "" : ` ${low ?? ""}…${high ?? ""}`;
  return `${schema.type ?? "any"}${range}`;
}

function fields(schema) {
  const rows = Object.entries(schema.properties ?? {}).map(([name, field]) => {
    const must = schema.required?.includes(name) ? "required" : `default ${JSON.stringify(field.default ?? null)}`;
    return element("tr", undefined, [
      element("td", undefined, [element("code", name)]),
      element("td", kind(field)),
      element("td", must),
    ]);
  });
  return element("table", undefined, [element("tbody", undefined, rows)]);
}

function route(path, method, operation, schemas) {
  const name = element("h2", undefined, [element("b", method.toUpperCase()), ` ${path}`]);
  const made = element("section", undefined, [name, element("p", operation.summary)]);
  const asked = operation.parameters.filter((one) => one.in !== "path");
  const properties = Object.fromEntries(asked.map((one) => [one.in === "query" ? `?${one.name}` : one.name, one.schema]));
  const required = asked.filter((one) => one.required).map((one) => (one.in === "query" ? `?${one.name}` : one.name));
  if (asked.length) made.append(fields({ properties, required }));
  const told = operation.requestBody?.content?.["application/json"]?.schema;
  const schema = told?.$ref ? schemas[told.$ref.split("/").at(-1)] : told;
  if (schema) made.append(fields(schema));
  return made;
}

const main = document.getElementById("routes");
try {
  const told = await (await fetch("openapi.json")).json();
  for (const [path, operations] of Object.entries(told.paths)) {
    for (const method of METHODS) {
      if (operations[method]) main.append(route(path, method, operations[method], told.components.schemas));
    }
  }
} catch {
  main.append(element("p", "The document could not be fetched. Is the server running?"));
}
main.removeAttribute("aria-busy");
