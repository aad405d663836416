// The redriver's use case: empty the dead-letter queue, back to the rollup queue or into the archive.
import type { PartName } from '../counting/identifiers.ts';
import { type MessageHistory, unknownHistory } from '../counting/message-history.ts';
import { type RetryPolicy, redriveDelayMs } from '../counting/retry-policy.ts';
import { decodeRollupMessage } from '../counting/rollup-message.ts';
import type {
  Clock,
  DeadLetters,
  DeliveredMessage,
  PartLedger,
  RetryPolicySource,
  TableHealth,
} from '../ports.ts';

/** What redrive needs. */
export interface RedriverPorts {
  readonly deadLetters: DeadLetters;
  readonly ledger: PartLedger;
  readonly tables: TableHealth;
  readonly retryPolicy: RetryPolicySource;
  readonly clock: Clock;
}

/** What one run of redrive did. */
export interface RedriveReport {
  returned: number;
  parked: number;
  /** Dead letters that stay where they are because something failed; the next run meets them again. */
  failed: number;
  /** Why the run ended. */
  ended: 'empty' | 'table-unhealthy' | 'rate' | 'time';
  readonly failures: string[];
}

/** What to do with one dead letter. */
export type Redrive =
  | { readonly to: 'queue'; readonly history: MessageHistory; readonly delayMs: number }
  | { readonly to: 'archive'; readonly history: MessageHistory };

/** Decides about one dead letter: poison and used-up rounds are parked, the rest goes back with growing delay. */
export function decideRedrive(message: DeliveredMessage, policy: RetryPolicy, nowMs: number): Redrive {
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
 * Empties the dead-letter queue, at most as fast as the policy allows in a minute, and only while the tables answer.
 * A message is sent first and deleted then: a crash in between leaves a copy, which counts nothing twice.
 */
export async function redrive(ports: RedriverPorts, hasTime: () => boolean): Promise<RedriveReport> {
  const policy = await ports.retryPolicy.current();
  const report: RedriveReport = { returned: 0, parked: 0, failed: 0, ended: 'time', failures: [] };
  const allowance = Math.max(1, Math.floor(policy.redrivePerSecond * 60));
  const met = new Set<string>();
  while (hasTime()) {
    if (report.returned + report.parked >= allowance) return { ...report, ended: 'rate' };
    if (!(await ports.tables.isHealthy())) return { ...report, ended: 'table-unhealthy' };
    const letters = (await ports.deadLetters.take()).filter(({ messageId }) => !met.has(messageId));
    if (letters.length === 0) return { ...report, ended: 'empty' };
    for (const letter of letters) {
      met.add(letter.messageId);
      try {
        await redriveOne(letter, policy, ports, report);
      } catch (error) {
        report.failed += 1;
        report.failures.push(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
      }
    }
  }
  return report;
}

async function redriveOne(
  letter: DeliveredMessage,
  policy: RetryPolicy,
  { deadLetters, ledger, clock }: RedriverPorts,
  report: RedriveReport,
): Promise<void> {
  const decision = decideRedrive(letter, policy, clock.nowMs());
  if (decision.to === 'queue') {
    // Noted before it is sent: with a ledger that does not answer, each run would leave one more copy in the queue.
    await ledger.notePlace(partNameIn(letter), 'returned');
    await deadLetters.giveBack(letter, decision.history, decision.delayMs);
    report.returned += 1;
  } else {
    await deadLetters.park(letter, decision.history);
    if (!decision.history.poison) await ledger.notePlace(partNameIn(letter), 'parked');
    report.parked += 1;
  }
  await deadLetters.remove(letter);
}

function partNameIn(letter: DeliveredMessage): PartName {
  const { segment, part } = decodeRollupMessage(letter.body);
  return { segment, part };
}
