// Segments in memory for tests of the compactor: every row adds a power of two of its own, so that a sum says which rows are in it.
import { compact } from '../../lambdas/compactor/compact.ts';
import type {
  CompactionReport,
  CompactorPorts,
  CompactorSettings,
} from '../../lambdas/compactor/compaction.ts';
import { parseShardId, type ShardKey, segmentId, shardKey } from '../../lambdas/counting/identifiers.ts';
import {
  type CompactedLevel,
  itemStartMs,
  type LevelItem,
  type LevelName,
  levelItemOf,
  levelKey,
  sumStartMs,
} from '../../lambdas/counting/levels.ts';
import type { Head } from '../../lambdas/counting/segment.ts';
import { bucketName, HOUR_MS } from '../../lambdas/counting/time.ts';
import { encodeTouched } from '../../lambdas/counting/touched-counters.ts';
import { FakeLedger } from '../../simulation/world/ledger.ts';
import { LedgerClient } from '../../simulation/world/ledger-client.ts';
import { FakeLevels, LevelsClient } from '../../simulation/world/levels.ts';
import { directNetwork, type Network } from '../../simulation/world/network.ts';
import { FakeTops, TopsClient } from '../../simulation/world/tops.ts';
import { entry } from './entries.ts';
import { CONFIG } from './records.ts';

/** What a segment adds to an hour of a counter. */
export interface Row {
  readonly metric: string;
  readonly entity: string;
  readonly hourMs: number;
  readonly n: bigint;
}

/** What a test says of a row; the world gives it its `n`. */
export type RowName = Omit<Row, 'n'>;

interface Segment {
  readonly shard: ShardKey;
  readonly segment: number;
  /** Rows by part. */
  readonly parts: readonly (readonly Row[])[];
}

/** A shard by its place. */
export function shardAt(place: number): ShardKey {
  return shardKey('1', parseShardId(`shardId-${String(place).padStart(12, '0')}`));
}

/** Ledger, counter items, levels and lists, to run compactors on. */
export class SweptWorld {
  readonly clock = { atMs: Date.UTC(2026, 10, 30, 12), nowMs: (): number => this.clock.atMs };
  readonly ledger = new FakeLedger();
  readonly levels = new FakeLevels(this.clock);
  readonly tops = new FakeTops(this.clock);
  readonly segments: Segment[] = [];
  readonly #counts = new Map<string, bigint>();
  #rows = 0n;

  /** Adds a shard's next segment; nothing of it is counted yet. @param parts its rows by part */
  add(shard: ShardKey, parts: readonly (readonly RowName[])[]): void {
    const stored = this.ledger.of(shard);
    const segment = (stored.head?.segment ?? 0) + 1;
    const rows = parts.map((part) => part.map((row) => ({ ...row, n: 1n << this.#rows++ })));
    const buckets = rows.flat().map((row) => ({ ...row, bucket: bucketName(row.hourMs, 60) }));
    const chunks = encodeTouched(buckets, 60);
    for (const [chunk, text] of chunks.entries()) this.ledger.putTouched(shard, segment, chunk, text);
    const runMaxMs = this.clock.atMs;
    const hoursMs = rows.flat().map(({ hourMs }) => hourMs);
    const added = entry(
      segment,
      rows.map((part) => part.length),
      {
        touchedChunks: chunks.length,
        buckets: { earliestMs: Math.min(...hoursMs), latestMs: Math.max(...hoursMs) },
        ...{ runMaxMs, minArrivalMs: runMaxMs, runMaxBeforeMs: stored.head?.runMaxMs ?? 0 },
      },
    );
    this.ledger.putEntryIfAbsent(shard, added);
    const { first, last, accounts, records, runMaxBeforeMs } = added;
    const times = { minArrivalMs: runMaxMs, runMaxMs, runMaxBeforeMs };
    const head: Head = {
      segment,
      first,
      last,
      records,
      config: CONFIG,
      version: 1,
      status: 'sent',
      ancestors: [],
      ...times,
      totals: accounts,
    };
    stored.head = head;
    this.ledger.register(shard);
    this.segments.push({ shard, segment, parts: rows });
  }

  /** Counts a part, and acknowledges it. */
  apply({ shard, segment, parts }: Segment, part: number): void {
    if (this.ledger.of(shard).entries.get(segment)?.acked.has(part)) return;
    for (const { metric, entity, hourMs, n } of parts[part] ?? []) {
      const name = `${metric}\n${entity}\n${hourMs}`;
      this.#counts.set(name, (this.#counts.get(name) ?? 0n) + n);
    }
    this.ledger.acknowledge(segmentId(shard, segment), [part]);
  }

  /** Counts all parts that are not counted. */
  applyAll(): void {
    for (const one of this.segments) for (const part of one.parts.keys()) this.apply(one, part);
  }

  /** One run of the compactor. @param network what its calls go through */
  compact(
    settings: CompactorSettings,
    hasTime: () => boolean = () => true,
    network: Network = directNetwork,
  ): Promise<CompactionReport> {
    const ledger = new LedgerClient(this.ledger, network);
    const levels = new LevelsClient(this.levels, network);
    const tops = new TopsClient(this.tops, network);
    const stream = { shards: async () => [] };
    const ports: CompactorPorts = {
      ledger,
      progress: ledger,
      stream,
      counters: this.#counters(network),
      levels,
      tops,
      clock: this.clock,
    };
    return compact(ports, settings, hasTime);
  }

  /** What a level says of a counter's hour, day or month; undefined when it says nothing. */
  says(level: LevelName['level'], { metric, entity }: RowName, atMs: number): bigint | undefined {
    const startMs = itemStartMs(level, atMs);
    const numbers = this.levels.numbers(levelKey({ level, metric, entity, startMs }));
    const item: LevelItem | undefined =
      numbers && levelItemOf(level, startMs, numbers.keys(), (name) => numbers.get(name)?.toString());
    return item?.sums.get(sumStartMs(level, atMs));
  }

  /** Rows of segments that a level's cursor says the level holds whole, and that are not in it. */
  lacking(level: CompactedLevel): Row[] {
    return this.segments.flatMap(({ shard, segment, parts }) => {
      const { through, open } = this.ledger.cursor(shard, level);
      if (segment > through || open.some((one) => one.segment === segment)) return [];
      return parts.flat().filter((row) => ((this.says(level, row, row.hourMs) ?? 0n) & row.n) === 0n);
    });
  }

  /** Sums from scratch that a level does not say as they are: all rows together. */
  differing(level: LevelName['level']): string[] {
    const sums = new Map<string, readonly [row: Row, sum: bigint]>();
    for (const row of this.segments.flatMap(({ parts }) => parts.flat())) {
      const name = `${row.metric} ${row.entity} ${sumStartMs(level, row.hourMs)}`;
      sums.set(name, [row, (sums.get(name)?.[1] ?? 0n) + row.n]);
    }
    return [...sums]
      .filter(([, [row, sum]]) => this.says(level, row, row.hourMs) !== sum)
      .map(([name, [row, sum]]) => `${level}: ${name} is ${sum}, not ${this.says(level, row, row.hourMs)}`);
  }

  #counters(network: Network): CompactorPorts['counters'] {
    const counts = this.#counts;
    return {
      async *items(metric, entity, fromMs, toMs) {
        const effect = () =>
          Array.from({ length: (toMs - fromMs) / HOUR_MS }, (_, at) => fromMs + at * HOUR_MS).flatMap(
            (hourMs) => {
              const n = counts.get(`${metric}\n${entity}\n${hourMs}`);
              return n === undefined
                ? []
                : [{ bucketStartMs: hourMs, minutes: new Map([[0, n]]), expiresAt: undefined }];
            },
          );
        yield* await network.call({ service: 'counters', operation: 'query', subject: entity, effect });
      },
    };
  }
}
