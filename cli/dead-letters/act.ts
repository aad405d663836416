// Changes dead letters one by one: first selects them, then handles each by name.
import { setTimeout as delay } from 'node:timers/promises';
import { deadLetterName } from '../../lambdas/core/dead-letter-name.ts';
import { failureReason } from '../../lambdas/core/message-history.ts';
import type { DeliveredMessage, ParkedMessage } from '../../lambdas/dead-letter-ports.ts';
import type { Outcome } from '../../lambdas/redriver/operate.ts';
import { CommandError, exitCodes } from '../shared/errors.ts';
import type { DeadLetterFacts, Selection } from './facts.ts';
import { type DeadLetterPorts, findParked, findWaiting, walkWaiting } from './find.ts';

/** What to do with a message of the queue or of the archive; undefined: that place is left alone. */
export interface Moves {
  readonly waiting?: (message: DeliveredMessage) => Promise<Outcome>;
  readonly parked?: (message: ParkedMessage) => Promise<Outcome>;
}

/** The dead letters that an action selects, determined before any change. */
export type Plan = Awaited<ReturnType<typeof plan>>;

/** The result: dead letters by outcome, failures by name, names that had gone meanwhile, and how many were not reached. */
export type Result = Awaited<ReturnType<typeof carryOut>>;

/**
 * Finds the dead letters that an action selects. Changes nothing.
 * @returns also the requested names that it did not find, the messages that carry these parts under other names, whether the
 * queue could be read to its end, and whether no dead letter can have escaped: all were seen, and nothing narrowed the search
 * @throws CommandError after Ctrl-C
 */
export async function plan(moves: Moves, selection: Selection, ports: DeadLetterPorts, signal: AbortSignal) {
  const nowhere = { found: new Map<string, DeadLetterFacts>(), carriers: new Map<string, string>() };
  const walk = moves.waiting
    ? await findWaiting(ports, selection, { signal })
    : { ...nowhere, complete: true, sawAll: false };
  const archived = moves.parked ? await Array.fromAsync(findParked(ports, selection)) : [];
  if (signal.aborted) {
    const { interrupted: exitCode } = exitCodes;
    throw new CommandError('Interrupted: nothing was changed.', { exitCode });
  }
  const { found: waiting, carriers, complete } = walk;
  const parked = new Map(archived.map((facts) => [facts.name, facts]));
  const missing = [...(selection.names ?? [])].filter((name) => !waiting.has(name) && !parked.has(name));
  const { reason, entity, segment } = selection;
  const isNarrowed = [reason, entity, segment].some((given) => given !== undefined);
  return { waiting, parked, missing, carriers, complete, sawAll: walk.sawAll && !isNarrowed };
}

/**
 * Carries out an action on the dead letters of a plan, by name. Failed ones stay where they are.
 * @param how `perSecond`: the maximum rate; `onMessage` is called after each
 */
export async function carryOut(
  moves: Moves,
  { waiting, parked }: Plan,
  ports: DeadLetterPorts,
  how: { readonly perSecond: number; readonly signal: AbortSignal; onMessage(): void },
) {
  const { perSecond, signal, onMessage } = how;
  const done = new Map<Outcome, number>();
  const failures: { name: string; reason: string }[] = [];
  const left = new Set([...waiting.keys(), ...parked.keys()]);
  const gone: string[] = [];
  const one = async (name: string, work: () => Promise<Outcome>): Promise<boolean> => {
    left.delete(name);
    try {
      const outcome = await work();
      done.set(outcome, (done.get(outcome) ?? 0) + 1);
      onMessage();
      await delay(1000 / perSecond);
      return outcome !== 'poison';
    } catch (error) {
      failures.push({ name, reason: failureReason(error) });
      onMessage();
      return false;
    }
  };
  const { waiting: onWaiting, parked: onParked } = moves;
  for (const name of onParked ? parked.keys() : []) {
    if (signal.aborted) break;
    const message = await ports.parked.read(name);
    if (message && onParked) await one(name, () => onParked(message));
    else if (left.delete(name)) gone.push(name);
  }
  if (onWaiting && waiting.size > 0) {
    const visit = async (message: DeliveredMessage) => {
      const name = deadLetterName(message);
      if (signal.aborted || !waiting.has(name)) return false;
      return one(name, () => onWaiting(message));
    };
    const { complete } = await walkWaiting(ports, visit, { signal });
    if (complete) {
      gone.push(...left);
      left.clear();
    }
  }
  return { done, failures, gone, left: left.size, interrupted: signal.aborted };
}
