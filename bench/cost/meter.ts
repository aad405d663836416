// What is paid for, counted call by call: write and read units of DynamoDB, requests and bytes of SQS, payload units of Kinesis.
import { PRICES, usd } from '../../plan/prices.ts';
import { PUT_UNIT_BYTES, SQS_UNIT_BYTES } from '../../plan/quotas.ts';

/** What some kind of call took. */
export interface Line {
  calls: number;
  writeUnits: number;
  readUnits: number;
  /** Writes whose condition failed, and what they took: emulators do not say. */
  failed: number;
  failedUnits: number;
}

const NOTHING: Line = { calls: 0, writeUnits: 0, readUnits: 0, failed: 0, failedUnits: 0 };

/** Tables of everything that is compared. */
export const TABLES = {
  counters: 'counters',
  ledger: 'ledger',
  idempotency: 'idempotency',
  markers: 'markers',
  deltas: 'deltas',
} as const;

/** What a call is for: the table, and in the ledger the kind of item; SEG is put once, and updated by acknowledgements. */
export function lineName(table: string, sortKey: string | undefined, isUpdate: boolean): string {
  if (table !== TABLES.ledger || sortKey === undefined) return table;
  const kind = /^[A-Z]+/.exec(sortKey)?.[0] ?? 'SHARDS';
  return kind === 'SEG' && isUpdate ? 'ledger ACK' : `ledger ${kind}`;
}

/** Sums of one run. */
export class Meter {
  readonly lines = new Map<string, Line>();
  sends = 0;
  sqsRequests = 0;
  sendRequests = 0;
  sqsBytes = 0;
  putUnits = 0;
  streamBytes = 0;
  dataBytes = 0;

  /** Notes a call of DynamoDB. */
  note(name: string, more: Partial<Line>): void {
    const line = this.lines.get(name) ?? { ...NOTHING };
    this.lines.set(name, line);
    for (const key of Object.keys(more) as (keyof Line)[]) line[key] += more[key] ?? 0;
  }

  /** Notes a call of SQS: each 64 KB of what it carries are a request, and a call without bodies is one. */
  noteSqs(bytes: number, how: 'sent' | 'received' | 'deleted'): void {
    const requests = Math.max(1, Math.ceil(bytes / SQS_UNIT_BYTES));
    this.sqsRequests += requests;
    if (how === 'sent') {
      this.sends += 1;
      this.sendRequests += requests;
      this.sqsBytes += bytes;
    }
  }

  /** Notes a record that a producer put. */
  noteRecord(dataBytes: number, keyBytes: number): void {
    const bytes = dataBytes + keyBytes;
    this.putUnits += Math.ceil(bytes / PUT_UNIT_BYTES);
    this.streamBytes += bytes;
    this.dataBytes += dataBytes;
  }

  /** Sums over all lines, or those of one table. */
  total(table = ''): Line {
    const sum = { ...NOTHING };
    for (const [name, line] of this.lines) {
      if (!name.startsWith(table)) continue;
      for (const key of Object.keys(sum) as (keyof Line)[]) sum[key] += line[key];
    }
    return sum;
  }

  /** Write units, failed conditions included. */
  writeUnits(table = ''): number {
    const { writeUnits, failedUnits } = this.total(table);
    return writeUnits + failedUnits;
  }

  /** Calls through the SDK that functions make; Lambda's own of the queue are not among them. */
  get sdkCalls(): number {
    return this.total().calls + this.sends;
  }

  /** What all this costs: US dollars. */
  get usd(): number {
    return (
      usd(PRICES.writeUnits, this.writeUnits()) +
      usd(PRICES.readUnits, this.total().readUnits) +
      usd(PRICES.sqsRequests, this.sqsRequests) +
      usd(PRICES.putPayloadUnits, this.putUnits)
    );
  }
}
