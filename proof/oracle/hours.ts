// The accounts by hour of arrival: the equation in every row, and the rows against the stream and the ledger.
import type { ShardKey } from '../../lambdas/core/identifiers.ts';
import {
  conservationDifference,
  type HourStatus,
  type PipelineStatus,
  type StatusAccounts,
} from '../../lambdas/core/pipeline-status.ts';
import type { World } from '../simulation/world/world.ts';
import { Violation } from './violation.ts';
import { isAfter, isKeyOf } from './watermark.ts';

/** The places of the accounts, which add up to what was received. */
export const PLACES = [
  'duplicate',
  'rejected',
  'counted',
  'inFlight',
  'dead',
  'parked',
  'expired',
  'lost',
] as const satisfies readonly (keyof HourStatus & keyof StatusAccounts)[];

const HOURS_MAX = 48;
const HOUR_MS = 3_600_000;

/** The sum of all shards, and each hour of each shard, must balance at any time. */
export function checkHourEquations(status: PipelineStatus): void {
  const difference = conservationDifference(status);
  if (difference !== 0) throw broken(`off by ${difference}: ${JSON.stringify(status)}`);
  for (const { name, hours } of owners(status)) {
    if (hours.length > HOURS_MAX) throw broken(`${name} has ${hours.length} hours`);
    for (const row of hours) {
      const sum = PLACES.reduce((total, column) => total + row[column], 0);
      if (row.received !== sum || row.difference !== 0 || PLACES.some((column) => row[column] < 0))
        throw broken(`${name} is off in an hour: ${JSON.stringify(row)}`);
    }
  }
}

/** At rest, compares the hours with the totals, and with the stream and the ledger. */
export function checkHours(world: World, status: PipelineStatus): void {
  checkHourEquations(status);
  // Once hours are dropped, their events are in the totals only.
  if (status.hoursSince === null) owners(status).forEach(checkSum);
  for (const id of world.ledger.keys()) {
    const shown = status.shards.find(({ shard }) => shard === id)?.hours ?? [];
    const receivedByHour = receivedIn(world, id);
    for (const [hour, received] of receivedByHour) {
      if (status.hoursSince !== null && hour < status.hoursSince) continue;
      const row = shown.find((one) => one.hour === hour);
      if ((row?.received ?? 0) !== received)
        throw broken(`${id} received ${received} in ${hour}, and the status says ${row?.received}`);
    }
    const made = shown.find(({ hour }) => !receivedByHour.has(hour));
    if (made !== undefined) throw broken(`${id} has no segment of ${made.hour}`);
  }
}

interface Owner {
  readonly name: string;
  readonly hours: readonly HourStatus[];
  readonly accounts: StatusAccounts;
}

function owners(status: PipelineStatus): Owner[] {
  const shards = status.shards.map((shard) => ({ name: shard.shard, hours: shard.hours, accounts: shard }));
  return [{ name: 'the sum of all shards', hours: status.hours, accounts: status }, ...shards];
}

function checkSum({ name, hours, accounts }: Owner): void {
  for (const column of ['received', ...PLACES] as const) {
    const sum = hours.reduce((total, row) => total + row[column], 0);
    if (sum !== accounts[column])
      throw broken(`${name} has ${accounts[column]} ${column}, and its hours have ${sum}`);
  }
}

/** Events received by a shard's sent segments, by the hour of the running maximum of arrivals. */
function receivedIn(world: World, key: ShardKey): ReadonlyMap<string, number> {
  const records = world.stream.all().find(({ id }) => isKeyOf(key, id))?.records ?? [];
  const { head, entries } = world.ledger.of(key);
  const sent = head === undefined ? 0 : head.status === 'planned' ? head.segment - 1 : head.segment;
  const received = new Map<number, number>();
  // Both are in the shard's order, so one pass over the records is enough.
  let next = 0;
  let latestMs = 0;
  for (const entry of [...entries.values()].sort((a, b) => a.segment - b.segment)) {
    if (entry.segment > sent) break;
    let record = records[next];
    while (record !== undefined && !isAfter(record.sequenceNumber, entry.last)) {
      latestMs = Math.max(latestMs, record.arrivalMs);
      next += 1;
      record = records[next];
    }
    const hour = Math.floor(latestMs / HOUR_MS);
    received.set(hour, (received.get(hour) ?? 0) + entry.accounts.received);
  }
  const named = (hour: number) => new Date(hour * HOUR_MS).toISOString().slice(0, 13);
  return new Map([...received].map(([hour, events]) => [named(hour), events]));
}

function broken(message: string): Violation {
  return new Violation('accounts balance at every moment', message);
}
