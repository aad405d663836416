// Meters what DynamoDB and SQS would charge for the calls of the code in memory, by purpose.
import { FakeAws } from '../fake-aws/aws.ts';
import type { Consumed } from '../fake-aws/dynamodb/service.ts';

/** The SQS billing unit of one request. aws.amazon.com/sqs/pricing */
const SQS_UNIT_BYTES = 64 * 1024;

/** Units by purpose, and requests of the queue. */
export class Meter {
  readonly units = new Map<string, { writeUnits: number; readUnits: number }>();
  sqsRequests = 0;

  /** Records a DynamoDB call. */
  note({ table, key, writeUnits, readUnits }: Consumed): void {
    const purpose = purposeOf(table, key?.['pk']?.S ?? '', key?.['sk']?.S ?? '');
    const sum = this.units.get(purpose) ?? { writeUnits: 0, readUnits: 0 };
    sum.writeUnits += writeUnits;
    sum.readUnits += readUnits;
    this.units.set(purpose, sum);
  }

  /** Records a message's way through the queue: sent, received and deleted, at one request per 64 KB. */
  noteMessage(bytes: number): void {
    // Ten messages share a DeleteMessageBatch, and small ones also their sends and receives.
    this.sqsRequests += 2 * Math.max(0.1, Math.ceil(bytes / SQS_UNIT_BYTES)) + 0.1;
  }

  /** The units of all purposes, or of those whose names start with `purpose`. */
  total(purpose = '') {
    const sum = { writeUnits: 0, readUnits: 0 };
    for (const [name, units] of this.units) {
      if (!name.startsWith(purpose)) continue;
      sum.writeUnits += units.writeUnits;
      sum.readUnits += units.readUnits;
    }
    return sum;
  }
}

/** The tables' names in memory. */
export const TABLES = { counts: 'counts', ledger: 'ledger', markers: 'markers' } as const;

const STORE_PURPOSES: readonly (readonly [prefix: string, purpose: string])[] = [
  ['DELTA#', 'deltas'],
  ['BLOCK#hours', 'blocks of hours'],
  ['BLOCK#days', 'blocks of days'],
  ['BLOCK#', 'blocks of months and all time'],
  ['LATE#', 'late rows'],
  ['TOP#', 'top lists'],
];

function purposeOf(table: string, pk: string, sk: string): string {
  if (table === TABLES.ledger) return sk.startsWith('IDS#') ? 'ids' : 'ledger';
  if (table !== TABLES.counts) return table;
  return STORE_PURPOSES.find(([prefix]) => pk.startsWith(prefix))?.[1] ?? 'counts';
}

/** An AWS in memory with metered tables. @param clock virtual time */
export function meteredAws(clock: { nowMs(): number }, meter: Meter): FakeAws {
  const aws = new FakeAws({ clock, dynamoDb: { onConsumed: (consumed) => meter.note(consumed) } });
  for (const table of Object.values(TABLES)) aws.dynamoDb.addTable(table, { ttl: 'expiresAt' });
  return aws;
}
