/** @file What a link tells of itself, kept until someone listens. */

export type LinkEvent =
  /** Redis is not there, or refuses what it is asked for a reason that may pass: what needs it waits. */
  | { readonly type: "connection"; readonly lost: true; readonly message: string; readonly hint: string }
  | { readonly type: "connection"; readonly lost: false; readonly message: string };

export type LinkNews = {
  tell(event: LinkEvent): void;
  /** What nobody has heard, and from then on all, as it comes. @returns ends it */
  follow(listener: (event: LinkEvent) => void): () => void;
  /** Awaits a call, and yields what is told meanwhile. */
  during<T>(call: Promise<T>): AsyncGenerator<LinkEvent, T>;
};

export function openNews(): LinkNews {
  const unheard: LinkEvent[] = [];
  let listener: ((event: LinkEvent) => void) | undefined;
  const follow: LinkNews["follow"] = (next) => {
    listener = next;
    for (const event of unheard.splice(0)) next(event);
    return () => {
      listener = undefined;
    };
  };
  return {
    tell(event) {
      if (listener) listener(event);
      else unheard.push(event);
    },
    follow,
    async *during(call) {
      const heard: LinkEvent[] = [];
      let wake = () => {};
      const unfollow = follow((event) => {
        heard.push(event);
        wake();
      });
      let settled = false;
      const settle = () => {
        settled = true;
        wake();
      };
      call.then(settle, settle);
      try {
        while (!settled || heard.length > 0) {
          yield* heard.splice(0);
          if (settled || heard.length > 0) continue;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      } finally {
        unfollow();
      }
      return call;
    },
  };
}
