// Outcomes of a call: an answer, a crash before or after, a lost answer, a failure, a partly accepted send.
import { carriedOut, type Request } from '../simulation/world/network.ts';
import type { Actor, Role } from './actor.ts';
import type { SmallWorld } from './small-world.ts';

/** Something that may happen next. */
export interface Transition {
  readonly label: string;
  readonly run: () => void;
}

const READS = /^(?:read|query|shards$|probe$|metrics$)/;

/** The faults and events that remain. */
export interface Budgets extends Record<`${Role}s`, number> {
  crashes: number;
  ambiguities: number;
  errors: number;
  partials: number;
  timeouts: number;
  hours: number;
  expiries: number;
  /** Whether the queue now accepts only the first message of a batch. */
  cutting: boolean;
}

/** How often each fault and event may happen in a world. */
export function budgetsOf(world: SmallWorld): Budgets {
  const { aggregators, writers, redrivers, accountants, compactors, readers, operators } = world;
  const { crashes, ambiguities, errors, partials, timeouts, hours, expiries } = world;
  const invocations = { aggregators, writers, redrivers, accountants, compactors, readers, operators };
  return {
    ...invocations,
    crashes,
    ambiguities,
    errors,
    partials,
    timeouts,
    hours,
    expiries,
    cutting: false,
  };
}

/** The possible outcomes of the calls that an invocation waits for. */
export function fatesOf(actor: Actor, name: string, left: Budgets): Transition[] {
  if (actor.ended) return [];
  return actor.waiting.flatMap((request) => fatesOfCall(actor, request, name, left));
}

function fatesOfCall(actor: Actor, request: Request<unknown>, name: string, left: Budgets): Transition[] {
  const call = `${name} ${request.operation} ${request.subject}`;
  const next: Transition[] = [{ label: call, run: () => actor.answer(request) }];
  const mayAlso = (budget: Exclude<keyof Budgets, 'cutting'>, what: string, run: () => void) => {
    if (left[budget] === 0) return;
    const spend = () => {
      left[budget] -= 1;
      run();
    };
    next.push({ label: `${call}: ${what}`, run: spend });
  };
  // A reader changes nothing, so a failing reader need not be explored.
  if (actor.role === 'reader') return next;
  mayAlso('crashes', 'crash before', () => actor.crash());
  mayAlso('errors', 'fails', () => actor.fail(request, false));
  // After a read, a crash is the same as before the next call.
  if (READS.test(request.operation)) return next;
  mayAlso('crashes', 'crash after', () => {
    carriedOut(request);
    actor.crash();
  });
  // The SDK sends it again.
  mayAlso('ambiguities', 'answer lost', () => carriedOut(request));
  mayAlso('errors', 'fails, applied', () => actor.fail(request, true));
  if (request.operation === 'sendBatch' && request.subject.includes(' ')) {
    mayAlso('partials', 'partly', () => {
      left.cutting = true;
      actor.answer(request);
      left.cutting = false;
    });
  }
  return next;
}
