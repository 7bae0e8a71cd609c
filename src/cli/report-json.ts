/**
 * @file Progress for programs: every event as one line of JSON on stdout. Pictures come as paths, never as pixels; what
 * is for people only goes to stderr.
 */

import type { GenerateEvent } from "../tasks/generate-events.ts";
import type { Report } from "./report.ts";
import type { Shell } from "./shell.ts";
import { jsonLine } from "./terminal-text.ts";

export function jsonReport(shell: Shell, quiet: boolean): Report {
  return {
    event: (event) => shell.stdout.write(jsonLine(withoutPixels(event))),
    note: (text) => {
      if (!quiet) shell.stderr.write(`${text}\n`);
    },
    end() {},
  };
}

function withoutPixels(event: GenerateEvent): Readonly<Record<string, unknown>> {
  switch (event.type) {
    case "step": {
      const { previews: _, ...rest } = event;
      return rest;
    }
    case "picture": {
      const { image, png: _, ...rest } = event;
      return { ...rest, width: image.width, height: image.height };
    }
    case "grid": {
      const { image, ...rest } = event;
      return { ...rest, width: image.width, height: image.height };
    }
    default:
      return event;
  }
}
