/**
 * @file Says in the compiled declarations what each option means, as editors show it: the texts of the schemas (`describe`), which the compiler
 * leaves out of the types that it infers, and the defaults. Part of the build, after `tsc`.
 */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";

const dist = join(import.meta.dirname, "../dist");

/** The members of an exported schema's declared type, or of an object of schemas': name, and where it stands. */
function* declaredShapes(source) {
  for (const statement of source.statements) {
    if (
      !ts.isVariableStatement(statement) ||
      !statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
    )
      continue;
    for (const { name, type } of statement.declarationList.declarations) {
      const isSchema = type && ts.isTypeReferenceNode(type) && type.typeName.getText(source) === "z.ZodObject";
      const literal = isSchema ? type.typeArguments?.[0] : type;
      if (literal && ts.isTypeLiteralNode(literal)) yield { name: name.getText(source), members: literal.members };
    }
  }
}

/** Optional and defaulted schemas lie around the one that has the text, or have it themselves. */
function* layers(schema) {
  for (let at = schema; at?.def; at = at.def.innerType) yield at;
}

function meaningOf(schema) {
  const all = [...layers(schema)];
  const text = all.find(({ description }) => description !== undefined)?.description;
  if (text === undefined) return undefined;
  const value = all.find(({ def }) => def.type === "default")?.def.defaultValue;
  const isTold = value !== undefined && typeof value !== "object" && value !== "";
  return isTold ? `${text} (default: ${JSON.stringify(value)})` : text;
}

for (const path of readdirSync(dist, { recursive: true }).filter((path) => path.endsWith(".d.ts"))) {
  const file = join(dist, path);
  const text = readFileSync(file, "utf8");
  if (!text.includes("z.Zod")) continue;
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
  const shapes = [...declaredShapes(source)];
  if (shapes.length === 0) continue;
  const module = await import(pathToFileURL(file.replace(/\.d\.ts$/, ".js")).href);
  const notes = shapes.flatMap(({ name, members }) => {
    const shape = module[name].shape ?? module[name];
    return members.flatMap((member) => {
      const meaning = meaningOf(shape[member.name.text]);
      const isTold = ts.getJSDocCommentsAndTags(member).length > 0;
      return meaning === undefined || isTold ? [] : [{ at: member.getStart(source), meaning }];
    });
  });
  const described = notes.reduceRight(
    (sofar, { at, meaning }) =>
      `${sofar.slice(0, at)}/** ${meaning.replaceAll("*/", "* /")} */\n    ${sofar.slice(at)}`,
    text,
  );
  writeFileSync(file, described);
}
