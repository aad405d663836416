// How far redrive is open: shut until a dead letter's rows went into the tables, then wider with every one that does.

/** How far redrive is open. */
export interface Opening {
  /** Dead letters that may go back to the queue before the next probe; 0: the next one is a probe. */
  readonly letters: number;
  /** How many the next probe that gets through opens for. */
  readonly width: number;
  /** Probes that failed since one got through. */
  readonly failures: number;
}

const WIDTH_FIRST = 10;
/** A letter may fail for a reason of its own, so the first failure does not condemn the tables. */
const FAILURES_MAX = 3;

/** As every run of redrive begins: nobody remembers how the last one ended, and nobody has to. */
export const HALF_OPEN: Opening = { letters: 0, width: WIDTH_FIRST, failures: 0 };

/** After a probe: one that got through opens, twice as wide each time; one that failed shuts. */
export function afterProbe({ width, failures }: Opening, gotThrough: boolean): Opening {
  if (!gotThrough) return { ...HALF_OPEN, failures: failures + 1 };
  return { letters: width, width: width * 2, failures: 0 };
}

/** After a dead letter went back to the queue. */
export function afterReturn(opening: Opening): Opening {
  return { ...opening, letters: Math.max(0, opening.letters - 1) };
}

/** Whether so many probes failed one after the other that it must be the tables. */
export function staysShut({ failures }: Opening): boolean {
  return failures >= FAILURES_MAX;
}
