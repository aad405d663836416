// The policy that operators change while Tally runs: the writer's attempts and back-off, redrive's rate and rounds.
import { HOUR_MS } from './time.ts';

/** The retry policy. Times are milliseconds. */
export interface RetryPolicy {
  /** How often the writer tries a message before it becomes a dead letter. */
  readonly attempts: number;
  /** The first back-off; doubles with each attempt. */
  readonly backoffBaseMs: number;
  readonly backoffCapMs: number;
  /** The random share of a back-off, from 0 to 1: 0.5 spreads it over its upper half, 1 over all of it. */
  readonly backoffJitter: number;
  /** How many dead letters redrive returns each second. */
  readonly redrivePerSecond: number;
  /** How long a returned dead letter waits in its first round. */
  readonly redriveDelayMs: number;
  readonly redriveDelayCapMs: number;
  /** Factor by which the wait grows each round. */
  readonly redriveDelayGrowth: number;
  /** How many rounds of redrive a dead letter gets before it is parked. */
  readonly redriveRounds: number;
}

/** The policy without a parameter. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  attempts: 3,
  backoffBaseMs: 5_000,
  backoffCapMs: 300_000,
  backoffJitter: 0.5,
  redrivePerSecond: 50,
  redriveDelayMs: 60_000,
  redriveDelayCapMs: 900_000,
  redriveDelayGrowth: 2,
  redriveRounds: 5,
};

/** An unusable retry parameter; the message names the field and its allowed values. */
export class InvalidRetryPolicy extends Error {
  override readonly name = 'InvalidRetryPolicy';
}

/** Limit on all back-offs of a message together: hidden or not, the queue drops it after `queueRetentionDays`, a day at least. */
const BACKOFFS_MAX_HOURS = 12;

/** Each setting of the parameter: its range, and the policy's field with its factor. */
const SETTINGS = {
  // Above the queue's own limit of 20 receives, SQS would move the message before the writer does.
  attempts: { least: 1, greatest: 19, field: 'attempts', factor: 1 },
  backoffBaseSeconds: { least: 0, greatest: 43_200, field: 'backoffBaseMs', factor: 1000 },
  backoffCapSeconds: { least: 0, greatest: 43_200, field: 'backoffCapMs', factor: 1000 },
  backoffJitter: { least: 0, greatest: 1, field: 'backoffJitter', factor: 1 },
  redrivePerSecond: { least: 0.1, greatest: 10_000, field: 'redrivePerSecond', factor: 1 },
  redriveDelaySeconds: { least: 0, greatest: 900, field: 'redriveDelayMs', factor: 1000 },
  redriveDelayCapSeconds: { least: 0, greatest: 900, field: 'redriveDelayCapMs', factor: 1000 },
  redriveDelayGrowth: { least: 1, greatest: 10, field: 'redriveDelayGrowth', factor: 1 },
  redriveRounds: { least: 0, greatest: 1000, field: 'redriveRounds', factor: 1 },
} as const satisfies Record<
  string,
  { least: number; greatest: number; field: keyof RetryPolicy; factor: number }
>;

/**
 * Parses the retry parameter: a JSON object with optional fields, times in seconds. A missing field has its default, so
 * values from before a field existed stay valid.
 * @throws InvalidRetryPolicy naming the unusable field
 */
export function parseRetryPolicy(text: string): RetryPolicy {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new InvalidRetryPolicy('the retry parameter is not JSON', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidRetryPolicy('the retry parameter is not a JSON object');
  }
  const policy: Record<keyof RetryPolicy, number> = { ...DEFAULT_RETRY_POLICY };
  for (const [name, setting] of Object.entries(value)) {
    const known = Object.hasOwn(SETTINGS, name) ? SETTINGS[name as keyof typeof SETTINGS] : undefined;
    if (known === undefined) {
      throw new InvalidRetryPolicy(`"${name}" is not one of ${Object.keys(SETTINGS).join(', ')}`);
    }
    const { least, greatest, field, factor } = known;
    const whole = field === 'attempts' || field === 'redriveRounds';
    if (
      typeof setting !== 'number' ||
      !(setting >= least && setting <= greatest) ||
      (whole && !Number.isInteger(setting))
    ) {
      throw new InvalidRetryPolicy(
        `"${name}" must be a ${whole ? 'whole ' : ''}number from ${least} to ${greatest}`,
      );
    }
    policy[field] = setting * factor;
  }
  const hours = backoffsMaxMs(policy) / HOUR_MS;
  if (hours > BACKOFFS_MAX_HOURS) {
    throw new InvalidRetryPolicy(
      `"attempts" and the back-offs make a message wait for up to ${Math.ceil(hours)} hours; ${BACKOFFS_MAX_HOURS} are allowed, because the queue drops old messages`,
    );
  }
  return policy;
}

/** The longest that a message can wait for its last attempt. */
function backoffsMaxMs(policy: RetryPolicy): number {
  const backoffs = Array.from({ length: policy.attempts - 1 }, (_, index) => backoffMs(policy, index + 1, 1));
  return backoffs.reduce((sum, ms) => sum + ms, 0);
}

/**
 * How long to wait before the next attempt: exponential, capped, with the policy's share of jitter, so that messages that
 * failed together are not retried together.
 * @param attempt the attempt that failed, from 1
 * @param random a number in [0, 1)
 */
export function backoffMs(policy: RetryPolicy, attempt: number, random: number): number {
  const fullMs = Math.min(policy.backoffCapMs, policy.backoffBaseMs * 2 ** (attempt - 1));
  return Math.round(fullMs * (1 - policy.backoffJitter * (1 - random)));
}

/** SQS's maximum delay of a message. */
export const QUEUE_DELAY_MAX_MS = 900_000;

/** How long a dead letter waits after its return, by its rounds so far. */
export function redriveDelayMs(policy: RetryPolicy, rounds: number): number {
  const grownMs = policy.redriveDelayMs * policy.redriveDelayGrowth ** rounds;
  return Math.min(QUEUE_DELAY_MAX_MS, policy.redriveDelayCapMs, grownMs);
}
