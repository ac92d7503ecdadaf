// A peer of benches/mapping: what a Node program does to get at a dossier. `FILE TIMES` lines in, nanoseconds out.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const { XMLParser } = createRequire(process.argv[2] + "/")("fast-xml-parser");
const parser = new XMLParser({ ignoreAttributes: false, parseTagValue: false });

for await (const line of createInterface({ input: process.stdin })) {
  const [path, times] = line.split(" ");
  const text = readFileSync(path, "utf8");
  const start = process.hrtime.bigint();
  for (let n = 0; n < Number(times); n++) parser.parse(text);
  console.log(String(process.hrtime.bigint() - start));
}
