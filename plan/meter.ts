// What DynamoDB and SQS would charge for what the code in memory asked of them, by what it was for.
import { FakeAws } from '../fake-aws/aws.ts';
import type { Consumed } from '../fake-aws/dynamodb/service.ts';
import { PRICES, usd } from './prices.ts';
import { PUT_UNIT_BYTES, SQS_UNIT_BYTES } from './quotas.ts';

/** Units of one purpose. */
export interface Units {
  writeUnits: number;
  readUnits: number;
}

/** Units by purpose, and the requests of the queue. */
export class Meter {
  readonly units = new Map<string, Units>();
  sqsRequests = 0;
  putUnits = 0;

  /** Notes a call of DynamoDB. */
  note({ table, key, writeUnits, readUnits }: Consumed): void {
    const purpose = purposeOf(table, key?.['pk']?.S ?? '', key?.['sk']?.S ?? '');
    const sum = this.units.get(purpose) ?? { writeUnits: 0, readUnits: 0 };
    sum.writeUnits += writeUnits;
    sum.readUnits += readUnits;
    this.units.set(purpose, sum);
  }

  /** Notes a message on its way through the queue: sent, received and deleted, each 64 KB a request. */
  noteMessage(bytes: number): void {
    // Ten messages share a DeleteMessageBatch, and small ones their sends and receives.
    this.sqsRequests += 2 * Math.max(0.1, Math.ceil(bytes / SQS_UNIT_BYTES)) + 0.1;
  }

  /** Notes a record that a producer put. */
  noteRecord(bytes: number): void {
    this.putUnits += Math.ceil(bytes / PUT_UNIT_BYTES);
  }

  /** The units of all purposes, or of those whose name begins so. */
  total(purpose = ''): Units {
    const sum = { writeUnits: 0, readUnits: 0 };
    for (const [name, units] of this.units) {
      if (!name.startsWith(purpose)) continue;
      sum.writeUnits += units.writeUnits;
      sum.readUnits += units.readUnits;
    }
    return sum;
  }

  /** DynamoDB, SQS and Kinesis' payload units, US dollars. */
  get usd(): number {
    const { writeUnits, readUnits } = this.total();
    return (
      usd(PRICES.writeUnits, writeUnits) +
      usd(PRICES.readUnits, readUnits) +
      usd(PRICES.sqsRequests, this.sqsRequests) +
      usd(PRICES.putPayloadUnits, this.putUnits)
    );
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

/** An AWS in memory whose tables are metered. @param clock on which nobody waits */
export function meteredAws(clock: { nowMs(): number }, meter: Meter): FakeAws {
  const aws = new FakeAws({ clock, dynamoDb: { onConsumed: (consumed) => meter.note(consumed) } });
  for (const table of Object.values(TABLES)) aws.dynamoDb.addTable(table, { ttl: 'expiresAt' });
  return aws;
}
