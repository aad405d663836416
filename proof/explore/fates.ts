// What may become of a call: an answer, a crash before or after, a lost answer, a failure, a send taken in part.
import { carriedOut } from '../simulation/world/network.ts';
import type { Actor } from './actor.ts';
import type { SmallWorld } from './small-world.ts';

/** Something that may happen next. */
export interface Transition {
  readonly label: string;
  readonly run: () => void;
}

const READS: ReadonlySet<string> = new Set([
  'readHead',
  'readEntry',
  'readIds',
  'queryEntries',
  'probe',
  'readClaim',
  'shards',
  'readBooks',
  'readEntries',
]);

/** How often things may still happen. */
export interface Budgets {
  aggregators: number;
  writers: number;
  redrivers: number;
  accountants: number;
  crashes: number;
  ambiguities: number;
  errors: number;
  partials: number;
  timeouts: number;
  hours: number;
  /** Whether the queue takes only the first message of a batch just now. */
  cutting: boolean;
}

/** How often things may happen in a world. */
export function budgetsOf(world: SmallWorld): Budgets {
  const { aggregators, writers, crashes, ambiguities, errors, partialSends: partials } = world;
  const { redrivers = 0, accountants = 0, timeouts = 0, hours = 0 } = world;
  const invocations = { aggregators, writers, redrivers, accountants };
  return { ...invocations, crashes, ambiguities, errors, partials, timeouts, hours, cutting: false };
}

/** What may become of the call that an invocation waits for. */
export function fatesOf(actor: Actor, name: string, left: Budgets): Transition[] {
  const next: Transition[] = [];
  const { request } = actor;
  if (actor.ended || request === undefined) return next;
  const call = `${name} ${request.operation} ${request.subject}`;
  const spend = (budget: Exclude<keyof Budgets, 'cutting'>, run: () => void) => () => {
    left[budget] -= 1;
    run();
  };
  next.push({ label: call, run: () => actor.answer() });
  const reads = READS.has(request.operation);
  if (left.crashes > 0) {
    next.push({ label: `${call}: crash before`, run: spend('crashes', () => actor.crash()) });
    // After a read, a crash is the same as before the next call.
    if (!reads) {
      const crashAfter = () => {
        carriedOut(request);
        actor.crash();
      };
      next.push({ label: `${call}: crash after`, run: spend('crashes', crashAfter) });
    }
  }
  if (left.ambiguities > 0 && !reads)
    next.push({ label: `${call}: answer lost`, run: spend('ambiguities', () => actor.loseAnswer()) });
  if (left.errors > 0) {
    next.push({ label: `${call}: fails`, run: spend('errors', () => actor.fail(false)) });
    if (!reads) next.push({ label: `${call}: fails, applied`, run: spend('errors', () => actor.fail(true)) });
  }
  if (left.partials > 0 && request.operation === 'sendBatch' && request.subject.includes(' ')) {
    const partly = () => {
      left.cutting = true;
      actor.answer();
      left.cutting = false;
    };
    next.push({ label: `${call}: partly`, run: spend('partials', partly) });
  }
  return next;
}
