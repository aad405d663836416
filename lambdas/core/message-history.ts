// The history that travels with a dead letter: why and how often it failed, since when, and its rounds of redrive.

/** One failure of a message: the end of the writer's attempts in one round, or of an attempt by redrive. */
export interface MessageFailure {
  /** ISO 8601. */
  readonly at: string;
  /** The round it happened in; 0 before any redrive. */
  readonly round: number;
  /** Attempts in this round. */
  readonly attempts: number;
  readonly reason: string;
}

/** The failures of a rollup message so far. Times are ISO 8601. */
export interface MessageHistory {
  /** Rounds of redrive so far. */
  readonly rounds: number;
  /** Attempts of the writer in all rounds. */
  readonly attempts: number;
  /** Why the last attempt failed: an error's name and message, or `poison: …`. */
  readonly reason: string;
  /** Whether every further attempt must fail. */
  readonly poison: boolean;
  readonly firstFailureAt: string;
  readonly lastFailureAt: string;
  /** The first ten failures and the last ten, oldest first; absent in histories that predate the list. */
  readonly failures?: readonly MessageFailure[];
  /** How many failures between those are omitted. */
  readonly failuresOmitted?: number;
}

const REASON_CHARACTERS_MAX = 500;
/** A message attribute counts towards the message's size, and twenty reasons are in it. */
const LISTED_REASON_CHARACTERS_MAX = 200;
/** Failures kept at each end. */
const FAILURES_KEPT = 10;

/** The history after another failure. */
export function afterFailure(
  history: MessageHistory | undefined,
  failure: { attempts: number; reason: string; poison: boolean; nowMs: number },
): MessageHistory {
  const { attempts, reason, poison, nowMs } = failure;
  const at = new Date(nowMs).toISOString();
  const round = history?.rounds ?? 0;
  const failures = [
    ...(history?.failures ?? []),
    { at, round, attempts, reason: reason.slice(0, LISTED_REASON_CHARACTERS_MAX) },
  ];
  // Drop the middle first: the beginning and the current state are more useful.
  const omitted = failures.length > 2 * FAILURES_KEPT ? 1 : 0;
  failures.splice(FAILURES_KEPT, omitted);
  return {
    rounds: round,
    attempts: (history?.attempts ?? 0) + attempts,
    reason: reason.slice(0, REASON_CHARACTERS_MAX),
    poison,
    firstFailureAt: history?.firstFailureAt ?? at,
    lastFailureAt: at,
    failures,
    failuresOmitted: (history?.failuresOmitted ?? 0) + omitted,
  };
}

/** A failure's reason: the error's name and message. */
export function failureReason(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** The history of a dead letter that the queue's own redrive policy moved, which records no reason. */
export function unknownHistory(nowMs: number): MessageHistory {
  return afterFailure(undefined, {
    attempts: 0,
    reason: 'moved by the queue itself: the writer ended without reporting on it, or was never reached',
    poison: false,
    nowMs,
  });
}

/** A history as ASCII JSON: an error's text may contain code points that SQS refuses. */
export function encodeHistory(history: MessageHistory): string {
  return JSON.stringify(history).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Parses a history; undefined if it is invalid, since a bad attribute must not block a dead letter. */
export function parseHistory(text: string | undefined): MessageHistory | undefined {
  if (text === undefined) return undefined;
  let value: Partial<MessageHistory>;
  try {
    value = JSON.parse(text) ?? {};
  } catch {
    return undefined;
  }
  const { rounds, attempts, reason, poison, firstFailureAt, lastFailureAt, failures, failuresOmitted } =
    value;
  const numbers = Number.isSafeInteger(rounds) && Number.isSafeInteger(attempts);
  const texts = [reason, firstFailureAt, lastFailureAt].every((field) => typeof field === 'string');
  if (!numbers || !texts || typeof poison !== 'boolean') return undefined;
  const listed = failures === undefined || (Array.isArray(failures) && failures.every(isFailure));
  const omitted = failuresOmitted === undefined || Number.isSafeInteger(failuresOmitted);
  return listed && omitted ? (value as MessageHistory) : undefined;
}

function isFailure(value: unknown): value is MessageFailure {
  if (typeof value !== 'object' || value === null) return false;
  const { at, round, attempts, reason } = value as Partial<MessageFailure>;
  const texts = typeof at === 'string' && typeof reason === 'string';
  return texts && Number.isSafeInteger(round) && Number.isSafeInteger(attempts);
}
