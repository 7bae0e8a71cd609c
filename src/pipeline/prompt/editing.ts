/**
 * @file Prompt editing of A1111: `[from:to:when]` swaps one text for another after a step, `[to:when]` adds, `[from::when]` takes away,
 * `[a|b]` alternates every step. Brackets that are neither stay as they are, for the emphasis grammar to read.
 * Source: `modules/prompt_parser.py`, get_learned_conditioning_prompt_schedules.
 *
 * A1111 gives up editing in the whole prompt when one sign does not fit its grammar (a `|` outside brackets is enough); here that
 * sign is text and the rest still works.
 */

import { MAX_NESTING } from "./segments.ts";

/** A text and the last step, counted from 1, that it holds for. */
export type ScheduledText = { readonly until: number; readonly text: string };

type Node =
  | string
  | { readonly kind: "edit"; readonly before: readonly Node[]; readonly after: readonly Node[]; readonly when: number }
  | { readonly kind: "alternate"; readonly options: readonly (readonly Node[])[] };

/** An open bracket: what stands in it so far, cut at each `:` and `|`. */
type Frame = { readonly bracket: string; readonly parts: Node[][]; readonly cuts: string[] };

/**
 * The texts of a sampling run of `steps` steps, in order; the last holds until `steps`. A `when` with a point is a share of the
 * steps, any other is a step.
 */
export function scheduleTexts(prompt: string, steps: number): ScheduledText[] {
  const whens = new Set([steps]);
  const stepOf = (number: string): number => {
    const step = number.includes(".") ? Number(number) * steps : Number(number);
    return Math.min(steps, Math.trunc(step));
  };
  const nodes = parse(prompt, stepOf, whens, steps);
  return [...whens].sort((a, b) => a - b).map((until) => ({ until, text: render(nodes, until) }));
}

const TOKEN = /\\[\s\S]?|[^\\()[\]:|]+|[()[\]:|]/g;

function parse(prompt: string, stepOf: (number: string) => number, whens: Set<number>, steps: number): readonly Node[] {
  const root: Frame = { bracket: "", parts: [[]], cuts: [] };
  const frames = [root];
  const current = (): Node[] => frames.at(-1)!.parts.at(-1)!;

  for (const [token] of prompt.matchAll(TOKEN)) {
    const frame = frames.at(-1)!;
    if ((token === "(" || token === "[") && frames.length <= MAX_NESTING) {
      frames.push({ bracket: token, parts: [[]], cuts: [] });
    } else if ((token === ":" || token === "|") && frame.bracket === "[") {
      frame.cuts.push(token);
      frame.parts.push([]);
    } else if ((token === ")" && frame.bracket === "(") || (token === "]" && frame.bracket === "[")) {
      frames.pop();
      const node = token === "]" ? directive(frame, stepOf) : undefined;
      append(current(), node ? [node] : [...literal(frame), token]);
      if (node?.kind === "edit" && node.when >= 1) whens.add(node.when);
      // All whens lie in 1..steps, so a set of that size has them all.
      if (node?.kind === "alternate" && whens.size < steps) for (let step = 1; step <= steps; step++) whens.add(step);
    } else append(current(), [token]);
  }
  for (let frame = frames.pop()!; frame !== root; frame = frames.pop()!) append(current(), literal(frame));
  return root.parts[0]!;
}

function directive({ parts, cuts }: Frame, stepOf: (number: string) => number): Exclude<Node, string> | undefined {
  if (cuts.length > 0 && cuts.every((cut) => cut === "|")) return { kind: "alternate", options: parts };
  if (cuts.length < 1 || cuts.length > 2 || cuts.includes("|")) return undefined;
  const last = parts.at(-1)!;
  const number = last.length === 1 && typeof last[0] === "string" ? last[0].trim() : "";
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(number)) return undefined;
  return { kind: "edit", before: cuts.length === 2 ? parts[0]! : [], after: parts.at(-2)!, when: stepOf(number) };
}

/** A bracket that directs nothing, as it was typed, without the sign that closes it. */
function literal({ bracket, parts, cuts }: Frame): Node[] {
  const nodes: Node[] = [bracket];
  for (const [i, part] of parts.entries()) append(nodes, i === 0 ? part : [cuts[i - 1]!, ...part]);
  return nodes;
}

/** Text joins the text before it, so that lists stay short however many signs the prompt has. */
function append(nodes: Node[], more: readonly Node[]): void {
  for (const node of more) {
    const last = nodes.at(-1);
    if (typeof node === "string" && typeof last === "string") nodes[nodes.length - 1] = last + node;
    else nodes.push(node);
  }
}

function render(nodes: readonly Node[], step: number): string {
  return nodes
    .map((node) => {
      if (typeof node === "string") return node;
      if (node.kind === "edit") return render(step <= node.when ? node.before : node.after, step);
      return render(node.options[(step - 1) % node.options.length]!, step);
    })
    .join("");
}
