// A world for audits in memory: shards with segments, counter items that can be tampered with, scratch that counts what it keeps.
import { createHash } from 'node:crypto';
import { DedupWindows, type WindowLedger } from '../../lambdas/aggregator/windows.ts';
import type { AuditedCounters, AuditedLog, AuditScratch } from '../../lambdas/audit-ports.ts';
import type { AuditorPorts } from '../../lambdas/auditor/audit.ts';
import type { ExpectedItem, StoredItem } from '../../lambdas/counting/audit.ts';
import { itemName } from '../../lambdas/counting/audit-rows.ts';
import { type AuditState, decodeAuditState, encodeAuditState } from '../../lambdas/counting/audit-state.ts';
import { EMPTY_BOOKS } from '../../lambdas/counting/books.ts';
import { type CounterKey, counterKey } from '../../lambdas/counting/counter-item.ts';
import {
  compareSequenceNumbers,
  type ShardId,
  type ShardKey,
  segmentId,
  shardIdOf,
} from '../../lambdas/counting/identifiers.ts';
import { rollUp } from '../../lambdas/counting/rollup.ts';
import { decodeRollupMessage } from '../../lambdas/counting/rollup-message.ts';
import { type Head, planSegment, type StreamRecord } from '../../lambdas/counting/segment.ts';
import { emittedEntry, type SegmentEntry } from '../../lambdas/counting/segment-entry.ts';
import type { BooksLedger } from '../../lambdas/ports.ts';
import { CONFIG } from './records.ts';

/** Scratch that remembers the most that was put and read at once. */
export class MemoryScratch implements AuditScratch {
  readonly states = new Map<string, string>();
  readonly spills = new Map<string, readonly (readonly string[])[]>();
  spillBytesMost = 0;
  /** All that one step read. */
  readBytesMost = 0;
  #readBytes = 0;

  async readState(audit: string, step: number): Promise<AuditState | undefined> {
    const text = this.states.get(`${audit}/${step}`);
    return text === undefined ? undefined : decodeAuditState(text);
  }

  async putStateIfAbsent(state: AuditState): Promise<AuditState> {
    const name = `${state.id}/${state.step}`;
    this.#readBytes = 0;
    const text = this.states.get(name) ?? encodeAuditState(state);
    this.states.set(name, text);
    return decodeAuditState(text);
  }

  async putSpill(audit: string, partitions: readonly (readonly string[])[]): Promise<string> {
    const name = createHash('sha256').update(JSON.stringify(partitions)).digest('hex');
    this.spills.set(
      `${audit}/${name}`,
      partitions.map((lines) => [...lines]),
    );
    this.spillBytesMost = Math.max(this.spillBytesMost, bytesOf(partitions.flat()));
    return name;
  }

  async spillSizes(audit: string, spill: string): Promise<readonly number[]> {
    return (this.spills.get(`${audit}/${spill}`) ?? []).map(bytesOf);
  }

  async readSpill(audit: string, spill: string, from: number, to: number): Promise<readonly string[]> {
    const lines = (this.spills.get(`${audit}/${spill}`) ?? []).slice(from, to).flat();
    this.#readBytes += bytesOf(lines);
    this.readBytesMost = Math.max(this.readBytesMost, this.#readBytes);
    return lines;
  }
}

function bytesOf(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
}

/** Counter items in memory. */
class MemoryCounters implements AuditedCounters {
  readonly items = new Map<string, StoredItem>();
  readonly #pageItems: number;

  constructor(pageItems: number) {
    this.#pageItems = pageItems;
  }

  async readItems(keys: readonly CounterKey[]): Promise<readonly (StoredItem | undefined)[]> {
    return keys.map((key) => this.items.get(itemName(key)));
  }

  async scanKeys(after: CounterKey | undefined) {
    const names = [...this.items.keys()].sort();
    const first = after === undefined ? 0 : names.findIndex((name) => name > itemName(after));
    const page = first < 0 ? [] : names.slice(first, first + this.#pageItems);
    const keys = page.map((name) => {
      const [pk, sk] = JSON.parse(name) as [string, string];
      return { pk, sk };
    });
    return { keys, next: keys.length === this.#pageItems ? keys.at(-1) : undefined };
  }

  async rewrite({ key, total, events, minutes, applied }: ExpectedItem, stored: StoredItem | undefined) {
    if (this.items.get(itemName(key)) !== stored) return 'changed-meanwhile';
    this.items.set(itemName(key), { total, events, minutes, applied, expiresAt: stored?.expiresAt });
    return 'rewritten';
  }
}

/** A shard: its segments' records, in order. */
export type ShardRecords = readonly (readonly StreamRecord[])[];

/** Rolls every segment up, counts it, and gives the ports that an audit of all that needs. */
export function auditWorld(shards: ReadonlyMap<ShardKey, ShardRecords>, pageItems = 2) {
  const counters = new MemoryCounters(pageItems);
  const scratch = new MemoryScratch();
  const heads = new Map<ShardKey, Head>();
  const entries = new Map<ShardKey, SegmentEntry[]>();
  const ids = new Map<string, Uint8Array>();
  const records = new Map<ShardId, StreamRecord[]>();
  for (const [shard, segments] of shards) {
    const own: SegmentEntry[] = [];
    entries.set(shard, own);
    records.set(shardIdOf(shard), segments.flat());
    for (const segment of segments) {
      const head = planSegment(heads.get(shard), segment, CONFIG, []);
      const id = segmentId(shard, head.segment);
      const output = rollUp(id, segment, { seen: () => false }, CONFIG);
      heads.set(shard, { ...head, status: 'sent' });
      const acked = new Set(output.parts.map((_, part) => part));
      own.push({ ...emittedEntry(head, output), acked });
      ids.set(id, output.ids);
      for (const { message } of output.parts) apply(message.body, counters);
    }
  }
  const of = (shard: ShardKey) => entries.get(shard) ?? [];
  const never = () => {
    throw new Error('an audit does not do that');
  };
  const ledger: BooksLedger & WindowLedger = {
    shards: async () => [...shards.keys()],
    readHead: async (shard) => heads.get(shard),
    readBooks: async () => EMPTY_BOOKS,
    putBooks: never,
    recordGap: never,
    raiseClaim: never,
    async *entriesUp(shard, after, through) {
      yield* of(shard).filter(({ segment }) => segment > after && segment <= through);
    },
    async *windowEntries(shard, from) {
      yield* of(shard)
        .filter(({ segment }) => segment <= from)
        .reverse();
    },
    readEntries: async (shard, segments) => of(shard).filter(({ segment }) => segments.includes(segment)),
    readIds: async (shard, wanted) =>
      wanted.map(({ segment }) => ids.get(segmentId(shard, segment)) ?? new Uint8Array()),
  };
  const log: AuditedLog = {
    ranges: (shard) => ({
      read: async ({ first, last }) =>
        (records.get(shardIdOf(shard)) ?? []).filter(
          ({ sequenceNumber }) =>
            compareSequenceNumbers(sequenceNumber, first) >= 0 &&
            compareSequenceNumbers(sequenceNumber, last) <= 0,
        ),
    }),
  };
  const repairs: unknown[] = [];
  const deleted = new Map<string, number>();
  const ports: AuditorPorts = {
    ledger,
    logs: { stream: log, archive: undefined },
    counters,
    scratch,
    windows: new DedupWindows(),
    deletions: async () => deleted,
    repair: async (comparison, stored) => {
      repairs.push(comparison);
      return comparison.expected === undefined
        ? 'changed-meanwhile'
        : counters.rewrite(comparison.expected, stored);
    },
    levels: async () => [],
  };
  return { ports, counters, scratch, entries, records, repairs, deleted };
}

function apply(body: string, { items }: MemoryCounters): void {
  const { segment, rows } = decodeRollupMessage(body);
  for (const { metric, entity, bucket, events, minutes: added } of rows) {
    const name = itemName(counterKey(metric, entity, bucket));
    const before = items.get(name);
    const minutes = new Map(before?.minutes);
    let total = before?.total ?? 0n;
    for (const [minute, n] of Object.entries(added)) {
      minutes.set(Number(minute), (minutes.get(Number(minute)) ?? 0n) + BigInt(n));
      total += BigInt(n);
    }
    const applied = new Set([...(before?.applied ?? []), segment]);
    items.set(name, {
      total,
      events: (before?.events ?? 0) + events,
      minutes,
      applied,
      expiresAt: undefined,
    });
  }
}
