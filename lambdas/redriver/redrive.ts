// The redriver's use case: empty the dead-letter queue, back to the rollup queue or into the archive.

import type { LevelRetentionsMs } from '../core/claim.ts';
import { afterFailure, type MessageHistory, unknownHistory } from '../core/message-history.ts';
import { type RetryPolicy, redriveDelayMs } from '../core/retry-policy.ts';
import { decodeRollupMessage } from '../core/rollup-message.ts';
import type { DeadLetters, DeliveredMessage } from '../dead-letter-ports.ts';
import type { NotedPlace, TableHealth } from '../ports.ts';
import { afterProbe, afterReturn, HALF_OPEN, type Opening, staysShut } from './half-open.ts';
import { type ProbePorts, probe } from './probe.ts';

/** What redrive needs. */
export interface RedriverPorts extends ProbePorts {
  readonly deadLetters: DeadLetters;
  readonly tables: TableHealth;
}

/** How one run of redrive works. */
export interface RedriverSettings {
  readonly retentions: LevelRetentionsMs;
  /** How many dead letters the run may move; undefined: as many as the rate allows in a minute. */
  readonly lettersMax: number | undefined;
}

/** What one run of redrive did, in dead letters. */
export interface RedriveReport {
  /** Probes that got through: these letters are counted. */
  written: number;
  returned: number;
  parked: number;
  /** Dead letters that stay where they are because something failed; the next run meets them again. */
  failed: number;
  /** Probes that failed; their letters went back to the queue like others. */
  probesFailed: number;
  /** Why the run ended. */
  ended: 'empty' | 'table-unhealthy' | 'probes-failed' | 'rate' | 'max' | 'time';
  readonly failures: string[];
}

/** A run under way. */
interface Run {
  readonly policy: RetryPolicy;
  readonly report: RedriveReport;
  readonly hasTime: () => boolean;
  readonly retentions: LevelRetentionsMs;
  opening: Opening;
}

/** As many as SQS hands out at once. */
const LETTERS_AT_ONCE = 10;

/** What to do with one dead letter; into the store is what a probe does with it. */
export type Redrive =
  | { readonly to: 'store' }
  | { readonly to: 'queue'; readonly history: MessageHistory; readonly delayMs: number }
  | { readonly to: 'archive'; readonly history: MessageHistory };

/** Decides about one dead letter: poison and used-up rounds are parked, the rest goes back with growing delay. */
export function decideRedrive(
  message: DeliveredMessage,
  policy: RetryPolicy,
  nowMs: number,
): Exclude<Redrive, { to: 'store' }> {
  const history = message.history ?? unknownHistory(nowMs);
  const poison = history.poison ? undefined : poisonIn(message.body);
  if (poison !== undefined) return { to: 'archive', history: { ...history, reason: poison, poison: true } };
  if (history.poison || history.rounds >= policy.redriveRounds) return { to: 'archive', history };
  return {
    to: 'queue',
    history: { ...history, rounds: history.rounds + 1 },
    delayMs: redriveDelayMs(policy, history.rounds),
  };
}

/** The queue's own redrive policy moves poison too, without saying so. */
function poisonIn(body: string): string | undefined {
  try {
    decodeRollupMessage(body);
    return undefined;
  } catch (error) {
    return `poison: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/**
 * Empties the dead-letter queue, at most as fast as the policy allows in a minute, and only as far as the tables prove that
 * they take writes: the first letter, and one more each time twice as many have gone back, is written by redrive itself.
 * A message is sent first and deleted then: a crash in between leaves a copy, which counts nothing twice.
 */
export async function redrive(
  ports: RedriverPorts,
  { retentions, lettersMax = Number.POSITIVE_INFINITY }: RedriverSettings,
  hasTime: () => boolean,
): Promise<RedriveReport> {
  const policy = await ports.retryPolicy.current();
  const report = nothingDone();
  const run: Run = { policy, report, hasTime, retentions, opening: HALF_OPEN };
  const rate = Math.max(1, Math.floor(policy.redrivePerSecond * 60));
  const met = new Set<string>();
  while (hasTime()) {
    const left = Math.min(rate, lettersMax) - (report.written + report.returned + report.parked);
    if (left <= 0) return { ...report, ended: lettersMax < rate ? 'max' : 'rate' };
    if (!(await ports.tables.isHealthy())) return { ...report, ended: 'table-unhealthy' };
    // Alone, if it is to be a probe: whatever else was taken would be hidden for nothing, should it fail.
    const most = Math.min(LETTERS_AT_ONCE, left, Math.max(1, run.opening.letters));
    const letters = (await ports.deadLetters.take(most)).filter(({ messageId }) => !met.has(messageId));
    if (letters.length === 0) return { ...report, ended: 'empty' };
    for (const letter of letters) {
      met.add(letter.messageId);
      try {
        await redriveOne(letter, ports, run);
      } catch (error) {
        report.failed += 1;
        report.failures.push(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
      }
    }
    if (staysShut(run.opening)) return { ...report, ended: 'probes-failed' };
  }
  return report;
}

function nothingDone(): RedriveReport {
  return { written: 0, returned: 0, parked: 0, failed: 0, probesFailed: 0, ended: 'time', failures: [] };
}

async function redriveOne(letter: DeliveredMessage, ports: RedriverPorts, run: Run): Promise<void> {
  const { deadLetters, ledger, clock } = ports;
  const { report } = run;
  let decision: Redrive = decideRedrive(letter, run.policy, clock.nowMs());
  if (decision.to === 'queue' && run.opening.letters === 0) {
    const outcome = await probe(letter, ports, run.retentions, run.hasTime);
    if (outcome === 'no-time') return;
    run.opening = afterProbe(run.opening, outcome === 'written');
    if (outcome === 'written') decision = { to: 'store' };
    else decision = { ...decision, history: afterProbeFailed(decision.history, outcome.failure, ports, run) };
  }
  if (decision.to === 'store') {
    report.written += 1;
  } else if (decision.to === 'queue') {
    // Noted before it is sent: with a ledger that does not answer, each run would leave one more copy in the queue.
    await notePlace(letter, 'returned', ledger);
    await deadLetters.giveBack(letter, decision.history, decision.delayMs);
    run.opening = afterReturn(run.opening);
    report.returned += 1;
  } else {
    await deadLetters.park(letter, decision.history);
    if (!decision.history.poison) await notePlace(letter, 'parked', ledger);
    report.parked += 1;
  }
  await deadLetters.remove(letter);
}

/** The letter of a failed probe goes back and uses up a round, as others do: one that can never be written must not be met for ever. */
function afterProbeFailed(
  history: MessageHistory,
  failure: string,
  { clock }: RedriverPorts,
  { report }: Run,
): MessageHistory {
  report.probesFailed += 1;
  report.failures.push(`probe: ${failure}`);
  return afterFailure(history, {
    attempts: 1,
    reason: `probe: ${failure}`,
    poison: false,
    nowMs: clock.nowMs(),
  });
}

async function notePlace(
  { body }: DeliveredMessage,
  place: NotedPlace,
  ledger: RedriverPorts['ledger'],
): Promise<void> {
  const { segment, deltas } = decodeRollupMessage(body);
  const parts = deltas.map(({ part }) => part);
  await ledger.notePlace(segment, parts, place);
}
