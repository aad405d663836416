// What must be true when everything has come to rest: counts, accounts, names of what is lost.
import type { ShardKey } from '../../lambdas/counting/identifiers.ts';
import type { StatusAccounts } from '../../lambdas/counting/pipeline-status.ts';
import type { SegmentEntry } from '../../lambdas/counting/segment-entry.ts';
import type { StreamGap } from '../../lambdas/ports.ts';
import type { World } from '../world/world.ts';
import { iso } from './ceiling.ts';
import { isAfter, ledgerKeyOf } from './claims.ts';
import type { Oracle } from './oracle.ts';
import { Shown } from './shown.ts';
import { type Expectation, Expecting } from './truth.ts';
import { Violation } from './violation.ts';
import { eventsIn, waitingRows } from './waiting.ts';

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
export function expectationAtRest(
  world: World,
  oracle: Oracle,
  windowMs: number,
): Expectation & { lossy: boolean } {
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

/** Compares everything that counters, archive and accounts say with what is true. */
export function checkAtRest(world: World, oracle: Oracle, windowMs: number, status: StatusAccounts): void {
  if (oracle.dropped.length > 0)
    throw new Violation('nothing is lost', `a queue dropped ${oracle.dropped[0]}`);
  const expected = expectationAtRest(world, oracle, windowMs);
  const shown = new Shown();
  for (const item of [...world.counters.items(), ...oracle.deleted]) shown.add(item);
  const waiting = waitingRows(world, oracle.rollups);
  for (const row of [...waiting.parkedRows, ...waiting.discardedRows, ...waiting.expiredRows])
    shown.addRow(row);
  checkCounters(expected, shown);
  const places = {
    inFlight: 0,
    dead: 0,
    parked: waiting.parkedEvents,
    expired: eventsIn(waiting.expiredRows),
    ...(!expected.lossy && {
      received: expected.received,
      // A parked part may have been applied, in whole or in part, and never acknowledged; a discarded one, too.
      counted:
        oracle.rollups.eventsApplied -
        (waiting.parkedEvents - eventsIn(waiting.parkedRows)) -
        (waiting.discardedEvents - eventsIn(waiting.discardedRows)),
      lost: waiting.discardedEvents,
    }),
  };
  const doubtful = oracle.rollups.eventsDoubtful;
  for (const [place, events] of Object.entries(places)) {
    const difference = status[place as keyof typeof places] - events;
    const mayDiffer = place === 'expired' ? doubtful : place === 'counted' ? -doubtful : 0;
    if (difference === 0 || (Math.abs(difference) <= doubtful && difference * mayDiffer > 0)) continue;
    throw new Violation(
      'accounts balance at every moment',
      `at rest ${events} events are ${place}: ${JSON.stringify({ ...status, hours: [], shards: [] })}`,
    );
  }
  if (!expected.lossy) checkDropped(expected, status);
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

function checkCounters({ counters }: Expectation, shown: Shown): void {
  for (const [name, minutes] of shown.minutes) {
    for (const [minuteMs, n] of minutes) {
      if (n !== 0 && !counters.get(name)?.has(minuteMs))
        throw new Violation(
          'minutes and hours are right',
          `${label(name)} shows ${n} at ${iso(minuteMs)}, and nothing happened`,
        );
    }
  }
  for (const [name, minutes] of counters) {
    const hours = new Map<number, { least: number; most: number }>();
    for (const [minuteMs, { n, events, maybeEvents, maybeUp, maybeDown }] of minutes) {
      const seen = shown.minutes.get(name)?.get(minuteMs) ?? 0;
      if (seen < n + maybeDown || seen > n + maybeUp)
        throw new Violation(
          seen > n ? 'nothing counts twice' : 'nothing is lost',
          `${label(name)} shows ${seen} at ${iso(minuteMs)}, and it must be ${n} (${maybeDown} to +${maybeUp})`,
        );
      const hourMs = Math.floor(minuteMs / 3_600_000) * 3_600_000;
      const hour = hours.get(hourMs) ?? { least: 0, most: 0 };
      hours.set(hourMs, { least: hour.least + events, most: hour.most + events + maybeEvents });
    }
    for (const [hourMs, { least, most }] of hours) {
      const seen = shown.hours.get(name)?.get(hourMs) ?? 0;
      if (seen < least || seen > most)
        throw new Violation(
          seen < least ? 'nothing is lost' : 'nothing counts twice',
          `${label(name)} holds ${seen} events in the hour of ${iso(hourMs)}, and it must be ${least} to ${most}`,
        );
    }
  }
}

function label(name: string): string {
  return name.split('\n').join(' of ');
}
