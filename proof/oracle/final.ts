// What must be true when everything has come to rest: counts, accounts, names of what is lost.
import type { ShardKey } from '../../lambdas/core/identifiers.ts';
import type { StatusAccounts } from '../../lambdas/core/pipeline-status.ts';
import type { SegmentEntry } from '../../lambdas/core/segment-entry.ts';
import type { StreamGap } from '../../lambdas/ports.ts';
import type { World } from '../simulation/world/world.ts';
import { iso } from './ceiling.ts';
import { isAfter, ledgerKeyOf } from './claims.ts';
import type { Oracle } from './oracle.ts';
import { MinuteSums } from './sums.ts';
import { type Expectation, Expecting } from './truth.ts';
import { Violation } from './violation.ts';
import { type Waiting, waitingIn } from './waiting.ts';

interface ShardLedger {
  readonly entries: readonly SegmentEntry[];
  readonly gaps: readonly StreamGap[];
  /** Gaps from the beginning on of the children of a shard that nobody ever saw: they speak of what came before, too. */
  readonly inherited: readonly StreamGap[];
}

const NOTHING: ShardLedger = { entries: [], gaps: [], inherited: [] };

/** What the ledger says of one shard, by the shard's own name. */
function ledgerOf(shard: string, world: World): ShardLedger {
  const name = ledgerKeyOf(shard);
  const key = world.ledger.keys().find((known) => known === name);
  const own = key === undefined ? NOTHING : { ...NOTHING, ...storedUnder(key, shard, world) };
  if (own.gaps.length > 0 || world.ledger.listed().some((listed) => listed === name)) return own;
  const children = world.stream.all().filter(({ parents }) => parents.some((parent) => parent === shard));
  const theirs = children.map(({ id }) => ledgerOf(id, world));
  const inherited = theirs.flatMap((child) => [...child.gaps, ...child.inherited]);
  return { ...NOTHING, inherited: inherited.filter(({ after }) => BigInt(after) === 0n) };
}

function storedUnder(key: ShardKey, shard: string, world: World): Pick<ShardLedger, 'entries' | 'gaps'> {
  const { entries, gaps, head } = world.ledger.of(key);
  if (head?.status === 'planned')
    throw new Violation(
      'recovery ends',
      `segment ${head.segment} of ${shard} is planned and nobody finishes it`,
    );
  return { entries: [...entries.values()], gaps: [...gaps.values()] };
}

/** Whether an occurrence was certainly read; throws when it was not, and nobody names it. */
function wasRead(
  sequence: string,
  { entries, gaps, inherited }: ShardLedger,
  trimmed: boolean,
  shard: string,
): boolean {
  const entry = entries.find(({ first, last }) => !isAfter(first, sequence) && !isAfter(sequence, last));
  if (entry !== undefined) return !entry.lost;
  if (!trimmed)
    throw new Violation(
      'nothing is lost',
      `record ${sequence} of ${shard} is in the stream and in no segment`,
    );
  if (
    ![...gaps, ...inherited].some(
      ({ after, before }) => isAfter(sequence, after) && isAfter(before, sequence),
    )
  )
    throw new Violation(
      'loss is named',
      `record ${sequence} of ${shard} was trimmed unread, and no gap says so`,
    );
  return false;
}

/** What the history must have come to, given what the stream trimmed and the ledger names. */
function expectationAtRest(world: World, oracle: Oracle, windowMs: number): Expectation & { lossy: boolean } {
  const expecting = new Expecting(windowMs);
  const ledgers = new Map<string, ShardLedger>();
  const trimmed = new Set<string>();
  for (const { id, records, trimmed: count } of world.stream.all()) {
    ledgers.set(id, ledgerOf(id, world));
    for (const { sequenceNumber } of records.slice(0, count)) trimmed.add(sequenceNumber);
  }
  let lossy = false;
  for (const arrived of oracle.arrived) {
    const { shard, sequenceNumber } = arrived;
    const ledger = ledgers.get(shard) ?? NOTHING;
    const read = wasRead(sequenceNumber, ledger, trimmed.has(sequenceNumber), shard);
    if (!read) lossy = true;
    expecting.add(arrived, read);
  }
  return { ...expecting.expectation, lossy };
}

/** What is known at rest. */
export interface AtRest {
  readonly expected: Expectation & { readonly lossy: boolean };
  readonly waiting: Waiting;
}

/** Compares the accounts with what is true. @returns what the counts are to be compared with */
export function checkAccounts(
  world: World,
  oracle: Oracle,
  windowMs: number,
  status: StatusAccounts,
): AtRest {
  if (oracle.dropped.length > 0)
    throw new Violation('nothing is lost', `a queue dropped ${oracle.dropped[0]}`);
  const expected = expectationAtRest(world, oracle, windowMs);
  const waiting = waitingIn(world, oracle.rollups);
  const { parkedEvents, discardedEvents } = waiting;
  const places = {
    inFlight: 0,
    dead: 0,
    parked: parkedEvents,
    ...(!expected.lossy && { received: expected.received, lost: discardedEvents }),
  };
  for (const [place, events] of Object.entries(places)) {
    if (status[place as keyof typeof places] !== events)
      throw unbalanced(`${events} events are ${place}`, status);
  }
  // Parked and discarded parts may be stored, in whole or in part, and never acknowledged.
  const unacknowledged = storedUnacknowledged(world, oracle);
  const counted = oracle.rollups.eventsStored - unacknowledged;
  if (status.counted + status.expired !== counted) throw unbalanced(`${counted} events are counted`, status);
  if (!expected.lossy) checkDropped(expected, status);
  return { expected, waiting };
}

function unbalanced(what: string, status: StatusAccounts): Violation {
  return new Violation(
    'accounts balance at every moment',
    `at rest ${what}: ${JSON.stringify({ ...status, hours: [], shards: [] })}`,
  );
}

function storedUnacknowledged(world: World, { rollups }: Oracle): number {
  let events = 0;
  for (const shard of world.ledger.keys()) {
    for (const { segment, parts, acked } of world.ledger.of(shard).entries.values()) {
      const id = `${shard}.${segment.toString(36)}`;
      for (const [part, summary] of parts.entries()) {
        if (!acked.has(part) && rollups.isStored(id, part)) events += summary.events;
      }
    }
  }
  return events;
}

/** Compares what the minutes show, and what waits, with what happened. */
export function checkMinutes({ expected, waiting }: AtRest, answered: MinuteSums): void {
  const shown = new MinuteSums();
  for (const [name, minutes] of answered.counters)
    for (const [minuteMs, n] of minutes) shown.add(name, minuteMs, n);
  shown.addRows(waiting.rows);
  for (const [name, minutes] of shown.counters) {
    for (const [minuteMs, n] of minutes) {
      if (n !== 0 && !expected.counters.get(name)?.has(minuteMs))
        throw new Violation(
          'minutes and hours are right',
          `${label(name)} shows ${n} at ${iso(minuteMs)}, and nothing happened`,
        );
    }
  }
  for (const [name, minutes] of expected.counters) {
    for (const [minuteMs, { n, maybeUp, maybeDown }] of minutes) {
      const seen = shown.of(name, minuteMs);
      if (seen < n + maybeDown || seen > n + maybeUp)
        throw new Violation(
          seen > n ? 'nothing counts twice' : 'nothing is lost',
          `${label(name)} shows ${seen} at ${iso(minuteMs)}, and it must be ${n} (${maybeDown} to +${maybeUp})`,
        );
    }
  }
}

/** Compares a counter's sum over all time, and what waits, with what happened. */
export function checkTotal({ expected, waiting }: AtRest, name: string, total: number): void {
  const waits = new MinuteSums();
  waits.addRows(waiting.rows);
  const seen = total + [...(waits.counters.get(name)?.values() ?? [])].reduce((sum, n) => sum + n, 0);
  let [least, most] = [0, 0];
  for (const { n, maybeUp, maybeDown } of expected.counters.get(name)?.values() ?? []) {
    least += n + maybeDown;
    most += n + maybeUp;
  }
  if (seen < least || seen > most)
    throw new Violation(
      seen > most ? 'nothing counts twice' : 'nothing is lost',
      `${label(name)} is ${seen} in all, and it must be ${least} to ${most}`,
    );
}

function checkDropped(expected: Expectation, { duplicate, rejectedByReason }: StatusAccounts): void {
  if (duplicate < expected.duplicates || duplicate > expected.duplicates + expected.maybeDuplicates)
    throw new Violation(
      'accounts balance at every moment',
      `${duplicate} duplicates, and there were ${expected.duplicates} (and perhaps ${expected.maybeDuplicates} more)`,
    );
  const said = JSON.stringify(Object.entries(rejectedByReason).sort());
  const rejected = JSON.stringify([...expected.rejected].sort());
  if (said !== rejected)
    throw new Violation(
      'accounts balance at every moment',
      `rejected are ${said}, and there were ${rejected}`,
    );
}

function label(name: string): string {
  return name.split('\n').join(' of ');
}
