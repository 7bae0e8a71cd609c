/** @file What Redis' own words mean when it does not do what it is asked: whether that passes, and what to do about it. */

import { IllustriousError } from "../base/error.ts";

/** Takes the place of one that stands in the URL, where everyone sees it who can list processes. */
export const PASSWORD_VARIABLE = "ILLUSTRIOUS_REDIS_PASSWORD";

/** Why Redis cannot be asked for now. */
export type Hindrance = {
  /** Those of one kind are one hindrance, however it is worded. */
  readonly kind: string;
  readonly message: string;
  readonly hint: string;
};

export const LOST: Hindrance = {
  kind: "lost",
  message: "the connection to Redis is lost; trying again",
  hint: "What needs it waits, and goes on when Redis is back.",
};

/** Refusals that pass by themselves or with what is done at Redis, by the word that they begin with, and what to do. */
const PASSING: Readonly<Record<string, string>> = {
  OOM: "Raise its maxmemory, or take out what else is in it.",
  MISCONF: "Make room where it saves its data, or let it save elsewhere; its log says what is wrong.",
  READONLY: "It is a replica. Make it a master (REPLICAOF NO ONE), or start again with the address of the one that is.",
  LOADING: "It reads its data, and takes commands when it has.",
  BUSY: "A script of someone else's runs in it; SCRIPT KILL ends that.",
  CLUSTERDOWN: "Its cluster is not whole; CLUSTER INFO tells more.",
  TRYAGAIN: "Its cluster is being rearranged.",
  MASTERDOWN: "It is a replica that has lost its master.",
  NOREPLICAS: "It wants replicas that are not there (min-replicas-to-write).",
  UNBLOCKED: "It has become a replica, or a master.",
  "max number of clients reached": "Raise its maxclients, or end programs that do not need it.",
};

/** Inside an older Redis' scripts the word stands in the middle, behind a dash. */
const PASSES = new RegExp(`(?:^|-)(${Object.keys(PASSING).join("|")})\\b|^ERR (max number of clients reached)`);

/** What Redis adds when a script is refused. */
const IN_SCRIPT = /\.? script: [0-9a-f]+, on @user_script:\d+\.?$/;

/** @returns none for a refusal that stays, and for what is none */
export function hindranceOf(shown: string, reason: string): Hindrance | undefined {
  const [, word, words] = PASSES.exec(reason) ?? [];
  const kind = word ?? words;
  if (kind === undefined) return undefined;
  const message = `${shown}: Redis takes no commands (${reason.replace(IN_SCRIPT, "")}); trying again`;
  return { kind, message, hint: PASSING[kind]! };
}

/** Whether it is Redis itself that has refused a command. */
export const isReply = (error: unknown): error is Error => error instanceof Error && error.name === "ReplyError";

/** Without the cause: it may hold the command that failed, and the password with it. */
export function refused(shown: string, error: unknown): IllustriousError {
  const reason = error instanceof Error ? error.message : String(error);
  const failed = (message: string, hint: string) => new IllustriousError("queue_failed", `${shown}: ${message}`, hint);
  if (/NOAUTH|WRONGPASS|invalid password|without any password/i.test(reason)) {
    const hint = `Give it as redis://user:password@host, or in the variable ${PASSWORD_VARIABLE}.`;
    return failed("Redis refuses the user or password, or wants one", hint);
  }
  if (/NOPERM/.test(reason)) {
    return failed(`Redis refuses what its user may not do (${reason})`, "Let the user do that: ACL SETUSER.");
  }
  const hindrance = hindranceOf(shown, reason);
  if (hindrance) return failed(`Redis takes no commands (${reason})`, hindrance.hint);
  if (/^(?:MOVED|ASK|CROSSSLOT)\b|cluster/i.test(reason)) {
    return failed(`Redis is part of a cluster (${reason})`, "Give --queue a Redis that stands for itself.");
  }
  if (isReply(error)) return failed(`Redis refuses a command (${reason})`, "Its log may tell more.");
  if (/alert.*certificate/i.test(reason)) {
    const hint = "This program has none to show. Let Redis ask for none: tls-auth-clients no.";
    return failed(`Redis wants a certificate of its clients (${reason})`, hint);
  }
  if (/certificate|altnames/i.test(reason)) {
    const hint =
      "Redis has to show a certificate for this host that this machine trusts. Name one of your own authority in NODE_EXTRA_CA_CERTS.";
    return failed(`the certificate is not trusted (${reason})`, hint);
  }
  const hint = "Check host and port, and that Redis runs there and lets this machine in.";
  return failed(`Redis cannot be reached (${reason})`, hint);
}
