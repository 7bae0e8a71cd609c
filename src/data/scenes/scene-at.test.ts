import { expect, test } from "vitest";
import { dice } from "./dice.ts";
import { HELD_OUT, isHeldOut } from "./held-out.ts";
import { DRESS, EYES, HAIR, PLAIN } from "./palette.ts";
import { HAIR_STYLES, MOUTHS, PLACES, type Scene, TRIMS } from "./scene.ts";
import { sceneAt } from "./scene-at.ts";

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Every held-out combination of a scene, found by another way than `isHeldOut`: as texts, looked up in a set. */
const forbidden = new Set([
  ...HELD_OUT.pairs.map(([left, right]) => `${left} left of ${right}`),
  ...HELD_OUT.hairAndEyes.map(([hair, eyes]) => `${hair} with ${eyes}`),
  ...HELD_OUT.hairAndPlace.map(([hair, place]) => `${hair} at ${place}`),
]);
function combinations({ girls, background }: Scene): string[] {
  const place = background.kind === "place" ? background.place : "none";
  return [
    ...(girls.length === 2 ? [`${girls[0]!.hair} left of ${girls[1]!.hair}`] : []),
    ...girls.flatMap(({ hair, eyes }) => [`${hair} with ${eyes}`, `${hair} at ${place}`]),
  ];
}

const training = range(20_000).map((seed) => sceneAt(seed));

test("red left of blue right is held out, and its mirror image is trained", () => {
  expect(HELD_OUT.pairs).toContainEqual(["red", "blue"]);
  const seen = new Set(training.flatMap(combinations));
  expect(seen.has("red left of blue")).toBe(false);
  expect(seen.has("blue left of red")).toBe(true);
});

test("20,000 training scenes show no held-out combination, and every other pair of hair, and of hair and eyes", () => {
  const seen = new Set(training.flatMap(combinations));
  expect([...forbidden].filter((combination) => seen.has(combination))).toEqual([]);
  const hairs = Object.keys(HAIR);
  const expected = hairs.flatMap((hair) => [
    ...hairs.map((other) => `${hair} left of ${other}`),
    ...Object.keys(EYES).map((eyes) => `${hair} with ${eyes}`),
    ...PLACES.map((place) => `${hair} at ${place}`),
  ]);
  expect(expected.filter((combination) => !forbidden.has(combination) && !seen.has(combination))).toEqual([]);
});

test("of training scenes with two girls three in ten are crossed, whom only the word beside the hair tells", () => {
  const pairs = (scenes: readonly Scene[]) => scenes.filter(({ girls }) => girls.length === 2);
  /** A girl of red-haired girls' neighbours: eyes, dress and trim red. */
  const share = (scenes: readonly Scene[]) => {
    const beside = pairs(scenes).flatMap(({ girls: [l, r] }) => [[l!, r!] as const, [r!, l!] as const]);
    const besideRed = beside.filter(([girl, other]) => other.hair === "red" && girl.hair !== "red");
    const all = besideRed.filter(([{ eyes, dress, trim }]) => eyes === "red" && dress === "red" && trim === "red");
    return all.length / besideRed.length;
  };
  const byLot = share(range(20_000).map((seed) => sceneAt(seed, { split: "any" })));
  // What is left open falls as it does by lot: eight eyes, nine dresses, four trims.
  const whereCrossed = (0.7 + 0.3 / 8) * (0.7 + 0.3 / 9) * (0.7 + 0.3 / 4);
  // Four standard deviations of the share among 1,500 girls.
  expect(Math.abs(share(training) - (0.3 * whereCrossed + 0.7 * byLot))).toBeLessThan(0.034);
  expect(byLot).toBeLessThan(0.03);
});

test("a held-out scene always shows a held-out combination", () => {
  for (const seed of range(500)) {
    const shown = combinations(sceneAt(seed, { split: "held-out" }));
    expect(shown.some((combination) => forbidden.has(combination))).toBe(true);
  }
});

test("every word of the description occurs, none of them rarely", () => {
  const girls = training.flatMap((scene) => scene.girls);
  const values: [readonly string[], (girl: Scene["girls"][number]) => string][] = [
    [Object.keys(HAIR), (girl) => girl.hair],
    [Object.keys(EYES), (girl) => girl.eyes],
    [Object.keys(DRESS), (girl) => girl.dress],
    [HAIR_STYLES, (girl) => girl.style],
    [MOUTHS, (girl) => girl.mouth],
    [TRIMS, (girl) => girl.trim],
  ];
  for (const [words, of] of values) {
    for (const word of words) {
      const share = girls.filter((girl) => of(girl) === word).length / girls.length;
      // At least half of an even share.
      expect(share).toBeGreaterThan(0.5 / words.length);
    }
  }
  const plain = (colour: string) =>
    training.filter(({ background }) => background.kind === "plain" && background.colour === colour).length;
  for (const colour of Object.keys(PLAIN)) expect(plain(colour)).toBeGreaterThan(100);
});

test("empty black and empty white scenes are one in thirty each, and keep their exact colour", () => {
  for (const colour of ["black", "white"]) {
    const empty = training.filter(
      ({ girls, background }) => girls.length === 0 && background.kind === "plain" && background.colour === colour,
    );
    expect(empty.length / training.length).toBeGreaterThan(1 / 40);
    expect(empty.filter(({ tone }) => tone.brightness !== 0 || tone.contrast < 1)).toEqual([]);
  }
});

test("a seed is a scene, whatever was drawn before", () => {
  const again = range(50).map((seed) => sceneAt(49 - seed));
  expect(again.reverse()).toEqual(training.slice(0, 50));
  expect(sceneAt(7n)).toEqual(sceneAt(7));
  expect(sceneAt(2n ** 63n)).not.toEqual(sceneAt(0));
});

test("what was asked for is kept", () => {
  for (const girls of [0, 1, 2] as const) {
    for (const seed of range(30)) expect(sceneAt(seed, { girls }).girls.length).toBe(girls);
  }
  for (const seed of range(100)) expect(sceneAt(seed, { tones: "none" }).tone.changes).toEqual([]);
  expect(range(300).some((seed) => isHeldOut(sceneAt(seed, { split: "any" })))).toBe(true);
});

test("dice: topics are independent, weights are kept, shuffling loses nothing", () => {
  expect(dice(1, "scene").next()).not.toBe(dice(1, "caption").next());
  const d = dice(5, "detail");
  const throws = range(8000).map(() =>
    d.weighted([
      ["a", 3],
      ["b", 1],
    ] as const),
  );
  // Six standard deviations of a binomial of 8000 at 0.75.
  expect(Math.abs(throws.filter((side) => side === "a").length / 8000 - 0.75)).toBeLessThan(0.03);
  expect(d.shuffled(range(20)).sort((a, b) => a - b)).toEqual(range(20));
  const places = range(3000).map(() => d.shuffled([0, 1, 2]).indexOf(0));
  for (const place of [0, 1, 2])
    expect(Math.abs(places.filter((p) => p === place).length / 3000 - 1 / 3)).toBeLessThan(0.052);
});

test("vivid scenes have no black or white behind them, and everything else", () => {
  const scenes = range(2000).map((seed) => sceneAt(seed, { tones: "vivid" }));
  const plain = scenes.flatMap(({ background }) => (background.kind === "plain" ? [background.colour] : []));
  expect(new Set(plain)).toEqual(new Set(Object.keys(PLAIN).filter((name) => name !== "black" && name !== "white")));
  expect(new Set(scenes.map(({ background }) => background.kind))).toEqual(new Set(["plain", "gradient", "place"]));
  expect(new Set(scenes.map(({ girls }) => girls.length))).toEqual(new Set([0, 1, 2]));
  expect(new Set(scenes.flatMap(({ tone }) => tone.changes))).toEqual(new Set(["vivid"]));
});
