// A circuit breaker: closed to redrive until a probe writes a dead letter, then wider with every probe that succeeds.

/** How far redrive is open. */
export interface Opening {
  /** Dead letters that may go back to the queue before the next probe; 0: the next one is a probe. */
  readonly messages: number;
  /** For how many dead letters the next successful probe opens. */
  readonly width: number;
  /** Failed probes since the last success. */
  readonly failures: number;
}

const WIDTH_FIRST = 10;
/** A dead letter may fail for its own reason, so one failure does not prove that the tables fail. */
const FAILURES_MAX = 3;

/** The start of every run: no state is kept between runs. */
export const HALF_OPEN: Opening = { messages: 0, width: WIDTH_FIRST, failures: 0 };

/** After a probe. Success opens, twice as wide each time; failure shuts. */
export function afterProbe({ width, failures }: Opening, gotThrough: boolean): Opening {
  if (!gotThrough) return { ...HALF_OPEN, failures: failures + 1 };
  return { messages: width, width: width * 2, failures: 0 };
}

/** After a dead letter went back to the queue. */
export function afterReturn(opening: Opening): Opening {
  return { ...opening, messages: Math.max(0, opening.messages - 1) };
}

/** Whether enough probes failed in a row to blame the tables. */
export function staysShut({ failures }: Opening): boolean {
  return failures >= FAILURES_MAX;
}
