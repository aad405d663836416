// The redriver's use case: empties the dead-letter queue into the rollup queue or the archive.
import { partsIn } from '../core/dead-letter-name.ts';
import { afterFailure, failureReason, type MessageHistory, unknownHistory } from '../core/message-history.ts';
import { type RetryPolicy, redriveDelayMs } from '../core/retry-policy.ts';
import { InvalidRollupMessage } from '../core/rollup-message.ts';
import type { DeadLetters, DeliveredMessage } from '../dead-letter-ports.ts';
import type { NotedPlace, TableHealth } from '../ports.ts';
import type { DeltaWriter } from '../store/ports.ts';
import { contentOf, type WriterPorts, type WriterSettings, writeRollups } from '../writer/write.ts';
import { afterProbe, afterReturn, HALF_OPEN, type Opening, staysShut } from './half-open.ts';

export interface RedriverPorts extends Omit<WriterPorts, 'failed' | 'random'> {
  readonly deadLetters: DeadLetters;
  readonly tables: TableHealth;
}

export type RedriverSettings = Pick<WriterSettings, 'retentions'>;

/** The result of one run of redrive, in dead letters. */
export interface RedriveReport {
  /** Successful probes: these dead letters are counted. */
  written: number;
  returned: number;
  parked: number;
  /** Dead letters that stay in place because something failed; the next run retries them. */
  failed: number;
  /** Probes that failed; their dead letters went back to the queue like others. */
  probesFailed: number;
  /** Why the run ended. */
  ended: 'empty' | 'table-unhealthy' | 'probes-failed' | 'rate' | 'time';
  readonly failures: string[];
}

/** A run in progress. */
interface Run extends RedriverSettings {
  readonly policy: RetryPolicy;
  readonly report: RedriveReport;
  readonly hasTime: () => boolean;
  opening: Opening;
}

/** SQS's limit for one receive. */
const MESSAGES_AT_ONCE = 10;

/** What to do with one dead letter. */
type Redrive =
  | { readonly to: 'queue'; readonly history: MessageHistory; readonly delayMs: number }
  | { readonly to: 'archive'; readonly history: MessageHistory };

/** Decides about one dead letter: poison and those without rounds left are parked, the others go back with growing delay. */
export function decideRedrive(message: DeliveredMessage, policy: RetryPolicy, nowMs: number): Redrive {
  const history = message.history ?? unknownHistory(nowMs);
  // The queue's own redrive policy also moves poison, without a reason.
  const content = contentOf(message);
  if (content instanceof InvalidRollupMessage && !history.poison)
    return { to: 'archive', history: { ...history, reason: `poison: ${content.message}`, poison: true } };
  if (history.poison || history.rounds >= policy.redriveRounds) return { to: 'archive', history };
  return {
    to: 'queue',
    history: { ...history, rounds: history.rounds + 1 },
    delayMs: redriveDelayMs(policy, history.rounds),
  };
}

/**
 * Empties the dead-letter queue, at most at the policy's rate for a minute, and only while the tables accept writes: redrive
 * writes the first dead letter itself, and then one more each time twice as many have gone back.
 * A message is sent first, then deleted: a crash in between leaves a copy, which counts nothing twice.
 */
export async function redrive(
  ports: RedriverPorts,
  { retentions }: RedriverSettings,
  hasTime: () => boolean,
): Promise<RedriveReport> {
  const { deadLetters } = ports;
  const policy = await ports.retryPolicy.current();
  const report: RedriveReport = {
    ...{ written: 0, returned: 0, parked: 0, failed: 0, probesFailed: 0 },
    ended: 'time',
    failures: [],
  };
  const run: Run = { policy, report, hasTime, retentions, opening: HALF_OPEN };
  const rate = Math.max(1, Math.floor(policy.redrivePerSecond * 60));
  const seen = new Set<string>();
  // Without bodies, which would fill the memory.
  const held = new Set<string>();
  try {
    while (hasTime()) {
      const left = rate - (report.written + report.returned + report.parked);
      if (left <= 0) return { ...report, ended: 'rate' };
      if (!(await ports.tables.isHealthy())) return { ...report, ended: 'table-unhealthy' };
      // A probe takes a single one: if it fails, the others would have been hidden for nothing.
      const most = Math.min(MESSAGES_AT_ONCE, left, Math.max(1, run.opening.messages));
      const taken = await deadLetters.take(most);
      for (const { receiptHandle } of taken) held.add(receiptHandle);
      const messages = taken.filter(({ messageId }) => !seen.has(messageId));
      if (messages.length === 0) return { ...report, ended: 'empty' };
      for (const message of messages) {
        seen.add(message.messageId);
        try {
          if (!(await redriveOne(message, ports, run))) continue;
          await deadLetters.remove(message);
          held.delete(message.receiptHandle);
        } catch (error) {
          report.failed += 1;
          report.failures.push(failureReason(error));
        }
      }
      if (staysShut(run.opening)) return { ...report, ended: 'probes-failed' };
    }
    return report;
  } finally {
    // The alarm counts visible ones: it would not see what is hidden from run to run.
    const left = [...held].map((receiptHandle) => ({ receiptHandle }));
    await deadLetters.release(left).catch((error) => report.failures.push(failureReason(error)));
  }
}

/** @returns whether the message has another place now, and can be deleted */
async function redriveOne(message: DeliveredMessage, ports: RedriverPorts, run: Run): Promise<boolean> {
  const { deadLetters, ledger, clock } = ports;
  const { report } = run;
  let decision: Redrive = decideRedrive(message, run.policy, clock.nowMs());
  if (decision.to === 'queue' && run.opening.messages === 0) {
    const outcome = await probe(message, ports, run);
    if (outcome === 'no-time') return false;
    run.opening = afterProbe(run.opening, outcome === 'written');
    if (outcome === 'written') {
      report.written += 1;
      return true;
    }
    report.probesFailed += 1;
    const reason = `probe: ${outcome.failure}`;
    report.failures.push(reason);
    // It goes back and uses up a round like others: otherwise one that always fails would return forever.
    const failure = { attempts: 1, reason, poison: false, nowMs: clock.nowMs() };
    decision = { ...decision, history: afterFailure(decision.history, failure) };
  }
  if (decision.to === 'queue') {
    // Note it before sending: otherwise, while the ledger is down, each run would leave one more copy in the queue.
    await notePlace(message, 'returned', ledger);
    await deadLetters.giveBack(message, decision.history, decision.delayMs);
    run.opening = afterReturn(run.opening);
    report.returned += 1;
  } else {
    await deadLetters.park(message, decision.history);
    if (!decision.history.poison) await notePlace(message, 'parked', ledger);
    report.parked += 1;
  }
  return true;
}

/** A probe's concurrent deltas: few, to be gentle with a table that has just recovered; one failure ends the probe. */
const PROBE_CONCURRENCY = 8;

/**
 * Writes a dead letter with the writer's own use case, to see whether the tables take writes. Stored deltas stay unchanged, so
 * after a crash at any point the dead letter can be returned, parked or written again.
 * @returns the reason if it failed; after `no-time` the result is unknown
 */
async function probe(
  message: DeliveredMessage,
  ports: RedriverPorts,
  { retentions, hasTime }: Run,
): Promise<'written' | 'no-time' | { readonly failure: string }> {
  let failed = false;
  const deltas: DeltaWriter = {
    putDelta: async (delta) => {
      try {
        return await ports.deltas.putDelta(delta);
      } catch (error) {
        failed = true;
        throw error;
      }
    },
  };
  // A probe is not an attempt by the writer: on failure, the dead letter stays where it is until redrive has decided.
  const failing = { delay: async () => {}, bury: async () => {} };
  const { retry, report } = await writeRollups(
    [{ ...message, receiveCount: 0 }],
    { ...ports, deltas, failed: failing, random: () => 0 },
    { retentions, concurrency: PROBE_CONCURRENCY },
    () => !failed && hasTime(),
  );
  if (retry.length === 0) return 'written';
  const [failure] = report.failures;
  return failure === undefined ? 'no-time' : { failure };
}

async function notePlace(
  { body }: DeliveredMessage,
  place: NotedPlace,
  ledger: RedriverPorts['ledger'],
): Promise<void> {
  const carried = partsIn(body);
  if (carried !== undefined) await ledger.notePlace(carried.segment, carried.parts, place);
}
