// What Node makes of our JSON: parsed and written anew, names in the opposite order, indented. {json: [text…]} in, {made: [text…]} out.
import { readFileSync } from "node:fs";

const turned = (value) =>
  Array.isArray(value)
    ? value.map(turned)
    : value && typeof value === "object"
      ? Object.fromEntries(Object.entries(value).reverse().map(([name, inner]) => [name, turned(inner)]))
      : value;

const { json } = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify({ made: json.map((text) => JSON.stringify(turned(JSON.parse(text)), null, "\t")) }));
