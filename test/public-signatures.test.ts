/**
 * @file What programs import, as the compiler declares it, with all that those declarations refer to: a change of the
 * public surface is a change of the file that this test keeps. After one that is meant, run `npx vitest run test/public-signatures.test.ts -u`.
 */

import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  exports: Record<string, string | { types: string }>;
};

/** Entry points by the name that programs import, and their sources. */
const entries = Object.entries(exports).flatMap(([name, target]) =>
  typeof target === "string"
    ? []
    : [
        {
          name: join("illustrious", name),
          source: join(root, target.types.replace("./dist/", "src/").replace(".d.ts", ".ts")),
        },
      ],
);

/** Declarations of every file that the entry points reach, by the sources' paths. */
function declare(program: ts.Program): Map<string, ts.SourceFile> {
  const declarations = new Map<string, ts.SourceFile>();
  program.emit(
    undefined,
    (_path, text, _mark, _error, sources) => {
      const from = sources?.[0]?.fileName;
      if (from !== undefined) declarations.set(from, ts.createSourceFile(`${from}.d.ts`, text, ts.ScriptTarget.ES2023));
    },
    undefined,
    true,
  );
  return declarations;
}

const printer = ts.createPrinter({ removeComments: true });

type Declared = { readonly file: ts.SourceFile; readonly statements: readonly ts.Statement[] };

/** The statements of a file that declare a name: more than one where a function has overloads. */
function declared(file: ts.SourceFile, name: string): Declared {
  const declares = (statement: ts.Statement): boolean => {
    if (ts.isVariableStatement(statement))
      return statement.declarationList.declarations.some((one) => ts.isIdentifier(one.name) && one.name.text === name);
    const isNamed =
      ts.isFunctionDeclaration(statement) ||
      ts.isTypeAliasDeclaration(statement) ||
      ts.isInterfaceDeclaration(statement) ||
      ts.isClassDeclaration(statement);
    return isNamed && statement.name?.text === name;
  };
  return { file, statements: file.statements.filter(declares) };
}

type Reference = { readonly source: string; readonly name: string };

/** Own declarations that these statements name. Those of packages are the packages' surface. */
function referencesIn({ file, statements }: Declared): Reference[] {
  const source = file.fileName.replace(/\.d\.ts$/, "");
  const at = (specifier: string) => join(dirname(source), specifier.replace(/\.js$/, ".ts"));
  const imported = new Map<string, Reference>();
  for (const statement of file.statements) {
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) continue;
    const from = statement.moduleSpecifier.text;
    const names = statement.importClause?.namedBindings;
    if (!from.startsWith(".") || !names || !ts.isNamedImports(names)) continue;
    for (const { name, propertyName } of names.elements)
      imported.set(name.text, { source: at(from), name: (propertyName ?? name).text });
  }
  const found: Reference[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isTypeReferenceNode(node) || ts.isTypeQueryNode(node)) {
      const name = ts.isTypeReferenceNode(node) ? node.typeName : node.exprName;
      if (ts.isIdentifier(name)) found.push(imported.get(name.text) ?? { source, name: name.text });
    }
    ts.forEachChild(node, visit);
  };
  statements.forEach(visit);
  return found;
}

function signatures(): string {
  const program = ts.createProgram(
    entries.map(({ source }) => source),
    {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      types: ["node"],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      rewriteRelativeImportExtensions: true,
      skipLibCheck: true,
      declaration: true,
      emitDeclarationOnly: true,
      rootDir: join(root, "src"),
      outDir: join(root, "dist"),
    },
  );
  const checker = program.getTypeChecker();
  const declarations = declare(program);
  const lines: string[] = [];
  const seen = new Set<string>();
  const waiting: Reference[] = [];
  const write = ({ source, name }: Reference): boolean => {
    const file = declarations.get(source);
    const own = file && declared(file, name);
    if (!own || own.statements.length === 0) return false;
    if (seen.has(`${source} ${name}`)) return true;
    seen.add(`${source} ${name}`);
    lines.push(...own.statements.map((one) => printer.printNode(ts.EmitHint.Unspecified, one, own.file)), "");
    waiting.push(...referencesIn(own));
    return true;
  };
  for (const { name, source } of entries) {
    lines.push(`// ${name}`, "");
    const module = checker.getSymbolAtLocation(program.getSourceFile(source)!)!;
    const found = checker.getExportsOfModule(module).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const symbol of found) {
      const isAlias = (symbol.flags & ts.SymbolFlags.Alias) !== 0;
      const own = isAlias ? checker.getAliasedSymbol(symbol) : symbol;
      const from = own.declarations![0]!.getSourceFile().fileName;
      // Twice where two entry points export it: once whole, then by name.
      const before = seen.has(`${from} ${own.name}`);
      if (!write({ source: from, name: own.name })) throw new Error(`${symbol.name} of ${name}: not declared`);
      if (before || own.name !== symbol.name)
        lines.push(`// ${symbol.name} is ${own.name} of ${relative(root, from)}`, "");
    }
  }
  lines.push("// what these refer to", "");
  // Type parameters, and names of the language, are declared nowhere here.
  for (let next = waiting.shift(); next; next = waiting.shift()) write(next);
  return lines.join("\n");
}

// The compiler reads the whole program: seconds on a busy machine.
test("the public surface is what the committed file says", { timeout: 300_000 }, async () => {
  await expect(signatures()).toMatchFileSnapshot("fixtures/public-signatures.txt");
});
