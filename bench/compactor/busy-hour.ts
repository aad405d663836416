// An hour of a busy stage for the compactor's benchmark: segments on shards, the counters that each touches, and the ports to them.
import { dynamoDb } from '../../lambdas/aws/clients/dynamo-db.ts';
import { CounterTable } from '../../lambdas/aws/counter-table.ts';
import { ledgerKeys } from '../../lambdas/aws/ledger-items.ts';
import { LevelLedgerTable } from '../../lambdas/aws/level-ledger.ts';
import { LevelTable } from '../../lambdas/aws/level-table.ts';
import { TopTable } from '../../lambdas/aws/top-table.ts';
import { touchedItem } from '../../lambdas/aws/touched-items.ts';
import type { CompactorPorts } from '../../lambdas/compactor/compaction.ts';
import { minuteAttribute } from '../../lambdas/counting/counter-item.ts';
import { parseShardId, type ShardKey, shardIdOf, shardKey } from '../../lambdas/counting/identifiers.ts';
import { bucketName, HOUR_MS } from '../../lambdas/counting/time.ts';
import { encodeTouched } from '../../lambdas/counting/touched-counters.ts';
import { Random } from '../../simulation/random.ts';
import { FakeLedger } from '../../simulation/world/ledger.ts';
import { LedgerClient } from '../../simulation/world/ledger-client.ts';
import { directNetwork } from '../../simulation/world/network.ts';
import { entry } from '../../test/support/entries.ts';
import { AnswersFromMemory } from './answers-from-memory.ts';

/** The hour, epoch milliseconds. */
export const HOUR = Date.UTC(2026, 10, 22, 5);
const METRIC = 'view';
/** Minutes of an hour in which a counter has counts, and what it has in each. */
const MINUTES = 12;
const PER_MINUTE = 1_234;
/** What every counter has in the hour. */
export const SUM = MINUTES * PER_MINUTE;

/** How large the hour is. */
export interface HourSize {
  readonly entities: number;
  readonly shards: number;
  /** Segments of all shards. */
  readonly segments: number;
  readonly eventsEach: number;
}

/** The hour, and what is known of it. */
export interface BusyHour {
  readonly shards: readonly ShardKey[];
  readonly ports: CompactorPorts;
  readonly memory: AnswersFromMemory;
  /** Counters and hours that segments touch, each segment by itself, and different counters of all. */
  readonly touched: number;
  readonly distinct: number;
  /** Forgets what compactors did. */
  reset(): void;
  /** How often counters were recomputed when each page of 50,000 touched hours was worked off by itself. */
  readonly inPages: number;
}

/** Makes an hour in which segments hold events of counters by Zipf, exponent 1. */
export function busyHour({ entities, shards: count, segments, eventsEach }: HourSize): BusyHour {
  const random = new Random('busy hour');
  const shards = Array.from({ length: count }, (_, at) =>
    shardKey('1', parseShardId(`shardId-${String(at).padStart(12, '0')}`)),
  );
  const drawn = zipf(entities, random);
  const ledger = new FakeLedger();
  const memory = new AnswersFromMemory(counterItem);
  memory.install();
  const all = new Set<string>();
  let [touched, inPages, pageHours] = [0, 0, 0];
  let page = new Set<string>();
  for (let at = 0; at < segments; at += 1) {
    const shard = shards[at % count] as ShardKey;
    const segment = Math.floor(at / count) + 1;
    const names = new Set(
      Array.from({ length: eventsEach }, () => `/videos/${String(drawn()).padStart(12, '0')}`),
    );
    const rows = [...names].map((entity) => ({ bucket: bucketName(HOUR, 60), metric: METRIC, entity }));
    const chunks = encodeTouched(rows);
    for (const [chunk, text] of chunks.entries()) keep(memory, shard, segment, chunk, text);
    ledger.putEntryIfAbsent(
      shard,
      entry(segment, [rows.length], { touchedChunks: chunks.length, acked: new Set([0]), runMaxMs: HOUR }),
    );
    const head = { segment, status: 'sent', runMaxMs: HOUR + HOUR_MS, runMaxBeforeMs: HOUR, ancestors: [] };
    Object.assign(ledger.of(shard), { head });
    touched += names.size;
    pageHours += names.size;
    for (const name of names) {
      all.add(name);
      page.add(name);
    }
    if (pageHours >= 50_000 || at === segments - 1) {
      inPages += page.size;
      [page, pageHours] = [new Set(), 0];
    }
  }
  for (const shard of shards) ledger.register(shard);
  const reset = () => {
    for (const shard of shards) ledger.of(shard).cursors.clear();
    for (const name of memory.items.keys()) if (!name.includes('KEYS#')) memory.items.delete(name);
    memory.calls.clear();
  };
  return { shards, ports: portsOf(ledger, shards), memory, touched, distinct: all.size, reset, inPages };
}

/** Real adapters but for entries and cursors, of which there is one a segment and one a shard. */
function portsOf(ledger: FakeLedger, shards: readonly ShardKey[]): CompactorPorts {
  const client = dynamoDb();
  const entries = new LedgerClient(ledger, directNetwork, { chunkBytes: 320_000, pageEntries: 200 });
  const lists = new LevelLedgerTable(client, 'ledger');
  return {
    ledger: entries,
    progress: {
      readTouched: (shard, of) => lists.readTouched(shard, of),
      keepTouched: () => entries.keepTouched(),
      readCursor: (shard, level) => entries.readCursor(shard, level),
      putCursor: (shard, level, cursor) => entries.putCursor(shard, level, cursor),
      raiseLevelClaim: (level, claim) => entries.raiseLevelClaim(level, claim),
      readClaims: () => entries.readClaims(),
    },
    stream: {
      shards: async () => shards.map((shard) => ({ shard: shardIdOf(shard), parents: [] })),
    },
    counters: new CounterTable(client, 'counters'),
    levels: new LevelTable(client, 'counters'),
    tops: new TopTable(client, 'ledger'),
    clock: { nowMs: () => HOUR + HOUR_MS + 600_000 },
  };
}

/** Keeps a chunk as DynamoDB has it: its bytes are base64 on the wire. */
function keep(
  memory: AnswersFromMemory,
  shard: ShardKey,
  segment: number,
  chunk: number,
  text: string,
): void {
  const { touched, ...rest } = touchedItem(shard, segment, chunk, text, undefined);
  const { pk, sk } = ledgerKeys.touched(shard, segment, chunk);
  const bytes = Buffer.from((touched?.B ?? new Uint8Array()) as Uint8Array).toString('base64');
  memory.items.set(`${pk.S}\n${sk.S}`, { ...(rest as Record<string, { S: string }>), touched: { B: bytes } });
}

/** A counter item with counts in twelve minutes, from twelve segments. */
function counterItem(entity: string, sk: string) {
  const minutes = Array.from({ length: MINUTES }, (_, at) => [
    minuteAttribute(at * 5),
    { N: String(PER_MINUTE) },
  ]);
  const applied = { SS: Array.from({ length: MINUTES }, (_, at) => `1.0.${(at + 40_000).toString(36)}`) };
  return {
    pk: { S: entity },
    sk: { S: sk },
    n: { N: String(SUM) },
    e: { N: String(SUM) },
    ...Object.fromEntries(minutes),
    applied,
  };
}

/** Draws ranks by Zipf, exponent 1. */
function zipf(entities: number, random: Random): () => number {
  const sums = new Float64Array(entities);
  let sum = 0;
  for (let rank = 1; rank <= entities; rank += 1) {
    sum += 1 / rank;
    sums[rank - 1] = sum;
  }
  return () => {
    const at = random.next() * sum;
    let [low, high] = [0, entities - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sums[middle] ?? 0) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}
