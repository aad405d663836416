// Waiting without sleeping: incoming items are kept until a test asks for them.

/** Things that come in, one after the other. */
export interface Inbox<T> {
  /** Everything so far. */
  readonly all: readonly T[];
  add(item: T): void;
  /** Resolves when there are as many as that. */
  atLeast(count: number): Promise<readonly T[]>;
  /** Resolves when the items satisfy the test. */
  until(satisfied: (all: readonly T[]) => boolean): Promise<readonly T[]>;
}

/** An empty inbox. */
export function createInbox<T>(): Inbox<T> {
  const all: T[] = [];
  const waiting = new Set<() => void>();
  const until = (satisfied: (all: readonly T[]) => boolean) =>
    new Promise<readonly T[]>((resolve) => {
      const check = () => {
        if (!satisfied(all)) return;
        waiting.delete(check);
        resolve(all);
      };
      waiting.add(check);
      check();
    });
  return {
    all,
    add: (item) => {
      all.push(item);
      for (const check of [...waiting]) check();
    },
    atLeast: (count) => until((items) => items.length >= count),
    until,
  };
}
