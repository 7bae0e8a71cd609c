/**
 * @file Values on their way from one thread to another. Those in shared memory go once: as long as a name's value lies where it lay, the
 * name is enough, and a step of training, whose parameters and gradients stay where they are, hands over next to nothing.
 */

import type { Value, Values } from "../runtime.ts";

export type Parcel = {
  readonly values: Values;
  /** Names of values that lie where they lay in the parcel before that had them. */
  readonly again: readonly string[];
};

/** Packs parcel after parcel for one receiver, who must unpack each of them, in their order. */
export function packer(): (values: Values) => Parcel {
  const known = new Map<string, Value>();
  return (values) => {
    const again: string[] = [];
    const fresh: Record<string, Value> = {};
    for (const [name, value] of Object.entries(values)) {
      const before = known.get(name);
      if (before && isWhere(value, before)) {
        again.push(name);
        continue;
      }
      fresh[name] = value;
      remember(known, name, value);
    }
    return { values: fresh, again };
  };
}

export function unpacker(): (parcel: Parcel) => Record<string, Value> {
  const known = new Map<string, Value>();
  return ({ values, again }) => {
    for (const [name, value] of Object.entries(values)) remember(known, name, value);
    return { ...values, ...Object.fromEntries(again.map((name) => [name, known.get(name)!])) };
  };
}

/** Both sides keep what lies in shared memory, and so agree on what needs no sending. */
function remember(known: Map<string, Value>, name: string, value: Value): void {
  if (value.data.buffer instanceof SharedArrayBuffer) known.set(name, value);
  else known.delete(name);
}

function isWhere({ data, shape }: Value, before: Value): boolean {
  return (
    data.buffer === before.data.buffer &&
    data.byteOffset === before.data.byteOffset &&
    data.length === before.data.length &&
    shape.length === before.shape.length &&
    shape.every((side, axis) => side === before.shape[axis])
  );
}
