/** @file What of a recipe may change while its run goes on, and what makes another run of it. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type StateNotes, writeCheckpoint } from "./checkpoints.ts";
import { checkRecipe, type RunRecipe, stateToResume } from "./resume.ts";

const BEFORE = `pretrained_model_name_or_path = "a"
learning_rate = 1e-4
max_train_steps = 100
save_every_n_steps = 50
[[datasets]]
batch_size = 2
[[datasets.subsets]]
image_dir = "pictures"
`;
const DATA = { pictures: 4, digest: "same" };

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "resume-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function checkpointOf(notes: Partial<StateNotes> = {}): Promise<string> {
  const learner = { tensors: new Map(), numbers: { updates: 50 } };
  const state = { step: 50, position: {}, data: DATA, foundation: "weights-sizes", recipe: BEFORE, ...notes };
  return writeCheckpoint(await mkdtemp(join(root, "run-")), { ...state, learner }, async () => {});
}

const now = (from: string, to: string, own: Partial<RunRecipe> = {}): RunRecipe => ({
  ...{ text: BEFORE.replace(from, to), learns: "pairs", followsLength: false },
  ...own,
});

test.each([
  ["save_every_n_steps = 50", "save_every_n_steps = 20", "save_every_n_steps was 50 and is 20"],
  ["save_every_n_steps = 50", 'save_every_n_steps = 50\nsample_prompts = ["1girl"]', "sample_prompts was not set"],
  ["learning_rate", 'training_comment = "second try"\nlearning_rate', "training_comment was not set"],
  ["learning_rate", 'metadata_author = "me"\nlearning_rate', "metadata_author was not set"],
  ["learning_rate", "gradient_checkpointing = true\nlearning_rate", "gradient_checkpointing was not set and is true"],
  ["learning_rate", 'logging_dir = "logs"\nlearning_rate', 'logging_dir was not set and is "logs"'],
  ["max_train_steps = 100", "max_train_steps = 200", "max_train_steps was 100 and is 200"],
  ["max_train_steps = 100", "max_train_epochs = 9", "max_train_epochs was not set and is 9"],
  ['"pictures"', '"./pictures"', "image_dir or metadata_file of datasets"],
  ['"a"', '"models/a"', 'pretrained_model_name_or_path was "a" and is "models/a"'],
])("with %s as %s a run goes on, and tells it", async (from, to, told) => {
  const checkpoint = await checkpointOf();
  await checkRecipe(checkpoint, now(from, to));
  const { saved, findings } = await stateToResume(checkpoint, now(from, to), DATA);
  expect(saved).toMatchObject({ step: 50, learner: { numbers: { updates: 50 } } });
  expect(findings).toMatchObject([{ level: "warning", code: "recipe_changed" }]);
  expect(findings[0]!.message).toContain(told);
});

test("a recipe that says the same is not told of", async () => {
  expect(await stateToResume(await checkpointOf(), now("100\n", "100 # as before\n"), DATA)).toMatchObject({
    findings: [],
  });
});

test.each<[string, RunRecipe, Partial<StateNotes>]>([
  ["learning_rate was 0.0001 and is 0.0002", now("1e-4", "2e-4"), {}],
  ["datasets", now("batch_size = 2", "batch_size = 3"), {}],
  // A cosine falls to its end, wherever that is.
  ["max_train_steps was 100", now("= 100", "= 200", { followsLength: true }), {}],
  // Whole networks are in the checkpoint: nothing tells from which model they came.
  ["pretrained_model_name_or_path was", now('"a"', '"b"', { learns: "networks" }), {}],
  ["pretrained_model_name_or_path was", now('"a"', '"b"'), { foundation: "weights" }],
  ["vae was not set", now("learning_rate", 'vae = "b"\nlearning_rate', { learns: "vae" }), {}],
  ["network_weights was not set", now("learning_rate", 'network_weights = "b"\nlearning_rate'), {}],
  ["image_dir or metadata_file of datasets", now('"pictures"', '"others"'), { data: undefined }],
])("it is another recipe: %s", async (told, recipe, notes) => {
  const checkpoint = await checkpointOf(notes);
  const refusal = { code: "bad_option", message: expect.stringContaining(`another recipe: ${told}`) };
  await expect(checkRecipe(checkpoint, recipe)).rejects.toMatchObject(refusal);
  await expect(stateToResume(checkpoint, recipe, DATA)).rejects.toMatchObject(refusal);
});

test("other data at another place are another run's; at the same place they are told elsewhere", async () => {
  const checkpoint = await checkpointOf();
  const others = { pictures: 5, digest: "other" };
  await expect(stateToResume(checkpoint, now('"pictures"', '"others"'), others)).rejects.toThrow(
    /image_dir or metadata_file of datasets, and the data set has changed .*4 then, 5 now/,
  );
  expect((await stateToResume(checkpoint, now("", ""), others)).findings).toEqual([]);
});
