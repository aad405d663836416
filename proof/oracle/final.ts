// What must be true at rest: counts, accounts, names of lost segments.
import type { StatusAccounts } from '../../lambdas/core/pipeline-status.ts';
import type { SegmentEntry } from '../../lambdas/core/segment-entry.ts';
import type { Gap } from '../simulation/world/ledger-view.ts';
import type { World } from '../simulation/world/world.ts';
import type { Oracle } from './oracle.ts';
import { MinuteSums } from './sums.ts';
import { type Bounds, Expectation, label } from './truth.ts';
import { iso, Violation } from './violation.ts';
import { type Waiting, waitingIn } from './waiting.ts';
import { isAfter, isKeyOf, ledgerKeysOf } from './watermark.ts';

interface ShardLedger {
  readonly entries: readonly SegmentEntry[];
  readonly gaps: readonly Gap[];
}

const NOTHING: ShardLedger = { entries: [], gaps: [] };

/** What the ledger says of one shard, in all generations. */
function ledgerOf(shard: string, world: World): ShardLedger {
  const stored = ledgerKeysOf(shard, world).map((key) => world.ledger.of(key));
  for (const { head } of stored) {
    if (head?.status === 'planned')
      throw new Violation(
        'recovery ends',
        `segment ${head.segment} of ${shard} is planned and never finished`,
      );
  }
  const entries = stored.flatMap((each) => [...each.entries.values()]);
  const gaps = stored.flatMap((each) => [...each.gaps.values()]);
  if (gaps.length > 0 || [...world.ledger.listed].some((key) => isKeyOf(key, shard)))
    return { entries, gaps };
  // The shard was never seen: gaps from the beginning of its children cover it, too.
  const children = world.stream.all().filter(({ parents }) => parents.includes(shard));
  const theirs = children.flatMap(({ id }) => ledgerOf(id, world).gaps);
  return { entries: [], gaps: theirs.filter(({ after }) => BigInt(after) === 0n) };
}

/** The segment with a record; undefined if the record is lost and the loss is reported. */
function reader(
  sequence: string,
  { entries, gaps }: ShardLedger,
  trimmed: boolean,
  shard: string,
): SegmentEntry | undefined {
  const entry = entries.find(({ first, last }) => !isAfter(first, sequence) && !isAfter(sequence, last));
  if (entry !== undefined) return entry.lost ? undefined : entry;
  if (!trimmed)
    throw new Violation(
      'nothing is lost',
      `record ${sequence} of ${shard} is in the stream and in no segment`,
    );
  if (!gaps.some(({ after, before }) => isAfter(sequence, after) && isAfter(before, sequence)))
    throw new Violation(
      'loss is named',
      `record ${sequence} of ${shard} was trimmed unread, and no gap says so`,
    );
  return undefined;
}

/** The expected result of a history, given what the stream trimmed, the ledger reports and operators deleted. */
function expectationAtRest(
  world: World,
  { arrived: all, deletions }: Oracle,
  windowMs: number,
): { readonly expected: Expectation; readonly lossy: boolean } {
  const expected = new Expectation(windowMs);
  const ledgers = new Map<string, ShardLedger>();
  const trimmed = new Set<string>();
  for (const { id, records, trimmed: count } of world.stream.all()) {
    ledgers.set(id, ledgerOf(id, world));
    for (const { sequenceNumber } of records.slice(0, count)) trimmed.add(sequenceNumber);
  }
  const reachedMs = new Map(all.map((arrived) => [arrived.sequenceNumber, arrived.reachedMs]));
  let lossy = false;
  let read: { readonly of: string; readonly by: SegmentEntry | undefined } | undefined;
  for (const arrived of all) {
    const { shard, sequenceNumber, occurrence } = arrived;
    if (read?.of !== sequenceNumber) {
      const ledger = ledgers.get(shard) ?? NOTHING;
      read = { of: sequenceNumber, by: reader(sequenceNumber, ledger, trimmed.has(sequenceNumber), shard) };
    }
    if (read.by === undefined) lossy = true;
    const deletedMs = deletions.get(occurrence.entity)?.throughMs ?? 0;
    // A deletion applies to whole segments: a segment that continues after it may keep earlier rows.
    const endMs = (read.by && reachedMs.get(read.by.last)) ?? 0;
    const deleted = arrived.arrivalMs > deletedMs ? 'no' : endMs > deletedMs ? 'maybe' : 'yes';
    expected.add(arrived, read.by !== undefined, deleted);
  }
  return { expected, lossy };
}

/** What is known at rest. */
export interface AtRest {
  readonly expected: Expectation;
  readonly waiting: Waiting;
}

/** Compares the accounts with the truth. @returns what to compare the counts with */
export function checkAccounts(
  world: World,
  oracle: Oracle,
  windowMs: number,
  status: StatusAccounts,
): AtRest {
  if (oracle.dropped.length > 0)
    throw new Violation('nothing is lost', `a queue dropped ${oracle.dropped[0]}`);
  const { expected, lossy } = expectationAtRest(world, oracle, windowMs);
  const waiting = waitingIn(world, oracle);
  const { parkedEvents, discardedEvents } = waiting;
  const places = {
    inFlight: 0,
    dead: 0,
    parked: parkedEvents,
    ...(!lossy && { received: expected.received, lost: discardedEvents }),
  };
  for (const [place, events] of Object.entries(places)) {
    if (status[place as keyof typeof places] !== events)
      throw unbalanced(`at rest ${events} events are ${place}`, status);
  }
  // Parked and discarded parts may be stored, wholly or partly, without acknowledgement.
  const unacknowledged = storedUnacknowledged(world, oracle);
  const counted = oracle.rollups.eventsStored - unacknowledged;
  if (status.counted + status.expired !== counted)
    throw unbalanced(`at rest ${counted} events are counted`, status);
  if (!lossy) checkDropped(expected, status);
  return { expected, waiting };
}

/** A violation by the accounts, with their sums. */
export function unbalanced(what: string, status: StatusAccounts): Violation {
  const sums = JSON.stringify({ ...status, hours: [], shards: [] });
  return new Violation('accounts balance at every moment', `${what}: ${sums}`);
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

/** Compares the minutes of some counters, together with what waits, with what happened. */
export function checkMinutes(
  { expected, waiting }: AtRest,
  names: readonly string[],
  answered: MinuteSums,
): void {
  for (const name of names) {
    const minutes = expected.counters.get(name);
    const all = new Set([...(minutes?.keys() ?? []), ...(answered.counters.get(name)?.keys() ?? [])]);
    for (const minuteMs of all) {
      const { least, most } = minutes?.get(minuteMs) ?? NOTHING_HAPPENED;
      const seen = answered.of(name, minuteMs) + waiting.sums.of(name, minuteMs);
      if (seen < least || seen > most)
        throw new Violation(
          seen > most ? 'nothing counts twice' : 'nothing is lost',
          `${label(name)} shows ${seen} at ${iso(minuteMs)}, and it must be ${least} to ${most}`,
        );
    }
  }
}

const NOTHING_HAPPENED: Bounds = { least: 0, most: 0 };

/** The bounds of a counter's range, less what waits. */
export function boundsAtRest({ expected, waiting }: AtRest, name: string) {
  return (fromMs: number, toMs: number): Bounds => {
    const waits = waiting.sums.within(name, fromMs, toMs);
    let [least, most] = [-waits, -waits];
    for (const [minuteMs, minute] of expected.counters.get(name) ?? []) {
      if (minuteMs < fromMs || minuteMs >= toMs) continue;
      least += minute.least;
      most += minute.most;
    }
    return { least, most };
  };
}

/** The minutes of everything that happened; undefined if some of it is uncertain, or waits. */
export function exactMinutes({ expected, waiting }: AtRest): MinuteSums | undefined {
  if (waiting.sums.counters.size > 0) return undefined;
  const sums = new MinuteSums();
  for (const [name, minutes] of expected.counters)
    for (const [minuteMs, { least, isExact }] of minutes) {
      if (!isExact) return undefined;
      sums.add(name, minuteMs, least);
    }
  return sums;
}

function checkDropped(expected: Expectation, { duplicate, rejectedByReason }: StatusAccounts): void {
  if (duplicate < expected.duplicates || duplicate > expected.duplicates + expected.maybeDuplicates)
    throw new Violation(
      'accounts balance at every moment',
      `${duplicate} duplicates, and there were ${expected.duplicates} (and perhaps ${expected.maybeDuplicates} more)`,
    );
  for (const reason of new Set([...expected.rejected.keys(), ...Object.keys(rejectedByReason)])) {
    const [said, least] = [
      rejectedByReason[reason as keyof typeof rejectedByReason] ?? 0,
      expected.rejected.get(reason) ?? 0,
    ];
    if (said < least || said > least + (reason === 'too-old' ? expected.maybeOld : 0))
      throw new Violation(
        'accounts balance at every moment',
        `${said} are rejected as ${reason}, and there were ${least}`,
      );
  }
}
