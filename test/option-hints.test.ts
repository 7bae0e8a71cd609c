/** @file What editors show of an option: what it means, its default, and the names that it takes, from the declarations that programs get. */

import { join } from "node:path";
import ts from "typescript";
import { beforeAll, expect, test } from "vitest";

const file = join(import.meta.dirname, "../dist/index.d.ts");
let checker: ts.TypeChecker;
let exported: Map<string, ts.Symbol>;

// The compiler reads the whole program: seconds on a busy machine.
beforeAll(() => {
  const program = ts.createProgram([file], {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    strict: true,
    skipLibCheck: true,
    types: ["node"],
  });
  checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(file)!)!;
  exported = new Map(checker.getExportsOfModule(module).map((symbol) => [symbol.name, symbol]));
}, 120_000);

function optionsOf(name: string): ts.Symbol[] {
  const symbol = exported.get(name)!;
  const own = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  return checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(own));
}

const hint = (option: ts.Symbol) => ts.displayPartsToString(option.getDocumentationComment(checker));

test("every option of every task is told", () => {
  const inputs = [...exported.keys()].filter((name) => /Input$|^TrainRecipe$/.test(name));
  expect(inputs).toEqual(
    expect.arrayContaining(["AuditInput", "GenerateInput", "TagInput", "TrainInput", "TrainRecipe"]),
  );
  const silent = inputs.flatMap((name) =>
    optionsOf(name)
      .filter((option) => hint(option) === "")
      .map((option) => `${name}.${option.name}`),
  );
  expect(silent).toEqual([]);
});

test("a default is told, and samplers are offered by name beside any text", () => {
  const options = optionsOf("GenerateInput");
  const named = (name: string) => options.find((option) => option.name === name)!;
  expect(hint(named("cfg"))).toBe("guidance scale; 1 turns guidance off (default: 5)");
  const type = checker.getNonNullableType(checker.getTypeOfSymbol(named("sampler")));
  const members = type.isUnion() ? type.types : [type];
  const offered = members.flatMap((member) => (member.isStringLiteral() ? [member.value] : []));
  expect(offered).toEqual(expect.arrayContaining(["euler", "dpmpp_2m"]));
  expect(members.some((member) => !member.isStringLiteral())).toBe(true);
});
