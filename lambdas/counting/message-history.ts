// The history that travels with a dead letter: why, how often, since when, and how many rounds of redrive it has had.

/** What became of a rollup message so far. Times are ISO 8601. */
export interface MessageHistory {
  /** Rounds of redrive it has had. */
  readonly rounds: number;
  /** Attempts of the writer in all rounds. */
  readonly attempts: number;
  /** Why the last attempt failed: an error's name and message, or `poison: …`. */
  readonly reason: string;
  /** Whether no number of attempts can help. */
  readonly poison: boolean;
  readonly firstFailureAt: string;
  readonly lastFailureAt: string;
}

const REASON_CHARACTERS_MAX = 500;

/** The history after another failure. */
export function afterFailure(
  history: MessageHistory | undefined,
  failure: { attempts: number; reason: string; poison: boolean; nowMs: number },
): MessageHistory {
  const at = new Date(failure.nowMs).toISOString();
  return {
    rounds: history?.rounds ?? 0,
    attempts: (history?.attempts ?? 0) + failure.attempts,
    reason: failure.reason.slice(0, REASON_CHARACTERS_MAX),
    poison: failure.poison,
    firstFailureAt: history?.firstFailureAt ?? at,
    lastFailureAt: at,
  };
}

/** The history of a dead letter that the queue's own redrive policy moved: nobody wrote down why. */
export function unknownHistory(nowMs: number): MessageHistory {
  return afterFailure(undefined, {
    attempts: 0,
    reason: 'moved by the queue itself: the writer ended without reporting on it, or was never reached',
    poison: false,
    nowMs,
  });
}

/** Reads a history; undefined when it is none, since a dead letter must not be held up by its label. */
export function parseHistory(text: string | undefined): MessageHistory | undefined {
  if (text === undefined) return undefined;
  let value: Partial<MessageHistory>;
  try {
    value = JSON.parse(text) ?? {};
  } catch {
    return undefined;
  }
  const { rounds, attempts, reason, poison, firstFailureAt, lastFailureAt } = value;
  const numbers = Number.isSafeInteger(rounds) && Number.isSafeInteger(attempts);
  const texts = [reason, firstFailureAt, lastFailureAt].every((field) => typeof field === 'string');
  if (!numbers || !texts || typeof poison !== 'boolean') return undefined;
  return value as MessageHistory;
}
