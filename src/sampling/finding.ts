/** @file What this floor has to say about a choice: data, so that a command line, a page and a test read the same. */

export type Finding = {
  /** A refusal cannot give a picture; a warning gives one that is likely worse than it need be. */
  level: "warning" | "refusal";
  code: string;
  /** What is wrong, with the numbers. */
  message: string;
  /** What to do instead. */
  hint: string;
};
