// The rebuild's use case: an archived history is played through the aggregator and the writer into other tables.
import pLimit from 'p-limit';
import { claimCompleteness } from '../accountant/claim-completeness.ts';
import { keepBooks } from '../accountant/keep-books.ts';
import { aggregate } from '../aggregator/aggregate.ts';
import { SILENT } from '../aggregator/segment-listener.ts';
import { DedupWindows } from '../aggregator/windows.ts';
import { compact } from '../compactor/compact.ts';
import type { CompactorPorts } from '../compactor/compaction.ts';
import { shardIdOf, shardKey } from '../counting/identifiers.ts';
import { streamRecord } from '../counting/raw-segment.ts';
import { DAY_MS, HOUR_MS } from '../counting/time.ts';
import { TOP_ENTRIES_MAX, TOP_MAX } from '../counting/top-list.ts';
import type {
  BooksLedger,
  Clock,
  CounterStore,
  ListedShard,
  PartLedger,
  Pause,
  SegmentLedger,
  ShardDirectory,
} from '../ports.ts';
import type { RawHistory } from '../raw-ports.ts';
import {
  type AccountsComparison,
  type AccountsLedger,
  compareAccounts,
  nothingCompared,
} from './compare-accounts.ts';
import { directQueue } from './direct-queue.ts';
import {
  type ArchivedShard,
  type ArrivalHours,
  archivedShards,
  byDescent,
  generationOf,
  NotPlayable,
  RawLog,
} from './raw-log.ts';

/** What a rebuild needs. */
export interface RebuildPorts {
  readonly history: RawHistory;
  /** The ledger that counted first. */
  readonly first: AccountsLedger;
  /** The tables that are built. */
  readonly ledger: SegmentLedger & PartLedger & BooksLedger;
  readonly counters: CounterStore & CompactorPorts['counters'];
  readonly progress: CompactorPorts['progress'];
  readonly levels: CompactorPorts['levels'];
  readonly tops: CompactorPorts['tops'];
  readonly clock: Clock;
  readonly random: () => number;
  readonly pause: Pause;
}

/** What is rebuilt, and how. */
export interface RebuildSettings {
  /** The generation under which everything is counted again. */
  readonly generation: string;
  /** The generation that is played; undefined: the only one that is archived. */
  readonly source: string | undefined;
  /** Which hours of arrival; undefined: all there are. */
  readonly hours: ArrivalHours | undefined;
  /** Shards played at once, and updates of counter items at once in each. */
  readonly shards: number;
  readonly concurrency: number;
}

/** What a rebuild did. */
export interface RebuildReport {
  readonly shards: number;
  /** Segments played just now, and those that were there already. */
  played: number;
  skipped: number;
  /** Records played just now. */
  records: number;
  readonly comparison: AccountsComparison;
}

/** Hears of each segment that is done, of so many. */
export type OnSegment = (done: number, of: number) => void;

const always = () => true;

/**
 * Plays archived segments, each shard's in its order and ancestors before descendants, by the same code that counted them first. Repeatable: the
 * ledger knows how far it got, so a rebuild that was killed at any moment goes on, and one that is done changes nothing.
 * @throws NotPlayable when there is nothing to play, or it would be counted under the name that it has already
 */
export async function rebuild(
  ports: RebuildPorts,
  settings: RebuildSettings,
  onSegment: OnSegment = () => {},
): Promise<RebuildReport> {
  const { generation, hours } = settings;
  const shards = await archivedShards(ports.history, hours, settings.source);
  if (shards.some(({ shard }) => generationOf(shard) === generation))
    throw new NotPlayable(`generation ${generation} is the one that is played: give another`);
  const report: RebuildReport = {
    shards: shards.length,
    played: 0,
    skipped: 0,
    records: 0,
    comparison: nothingCompared(),
  };
  const segments = shards.reduce((sum, { places }) => sum + places.length, 0);
  const player = new Player(ports, settings, new RawLog(ports.history, shards), report, () =>
    onSegment(report.played + report.skipped, segments),
  );
  const limit = pLimit(settings.shards);
  for (const group of byDescent(shards)) {
    await Promise.all(group.map((shard) => limit(() => player.play(shard))));
  }
  await settle(ports, generation);
  for (const shard of shards) {
    const whole = hours === undefined;
    await compareAccounts(shard, generation, whole, ports.first, ports.ledger, report.comparison);
  }
  return report;
}

class Player {
  readonly #ports: RebuildPorts;
  readonly #settings: RebuildSettings;
  readonly #log: RawLog;
  readonly #report: RebuildReport;
  readonly #onSegment: () => void;
  readonly #windows = new DedupWindows();

  constructor(
    ports: RebuildPorts,
    settings: RebuildSettings,
    log: RawLog,
    report: RebuildReport,
    onSegment: () => void,
  ) {
    this.#ports = ports;
    this.#settings = settings;
    this.#log = log;
    this.#report = report;
    this.#onSegment = onSegment;
  }

  /** Plays a shard from where the second ledger says that it is. One archived segment is one batch, and becomes one segment. */
  async play(archived: ArchivedShard): Promise<void> {
    const { ledger, clock, pause } = this.#ports;
    const { generation, concurrency } = this.#settings;
    const report = this.#report;
    const shard = shardIdOf(archived.shard);
    const queue = directQueue(this.#ports, { counterRetentionMs: undefined, concurrency }, pause);
    const head = await ledger.readHead(shardKey(generation, shard));
    const from = await this.#log.nextPlace(archived, head);
    report.skipped += from;
    const aggregator = {
      ledger,
      log: this.#log,
      queue,
      // They are in the archive since they were rejected first.
      rejected: { keepRejected: async () => {} },
      windows: this.#windows,
      clock,
      listener: SILENT,
    };
    for (const place of archived.places.slice(from)) {
      const { records, config: rollup } = await this.#log.read(place);
      // An archive trims nothing unread, however old it is.
      const settings = { generation, rollup, streamRetentionMs: Number.POSITIVE_INFINITY };
      await aggregate({ shard, records: records.map(streamRecord) }, aggregator, settings, always);
      report.played += 1;
      report.records += records.length;
      this.#onSegment();
    }
  }
}

/** Books, claims, levels and top lists, as accountant and compactor would bring them about in their time. */
async function settle(ports: RebuildPorts, generation: string): Promise<void> {
  const { ledger, clock } = ports;
  const stream = shardsOf(ledger, generation);
  await keepBooks(ledger, always);
  await claimCompleteness(ledger, stream, generation, clock);
  await compact(
    { ...ports, stream },
    {
      generation,
      retentionsMs: { counters: undefined, days: undefined, months: undefined },
      // Everything is due, at once, as often as a rebuild is run.
      intervalsMs: { days: 1, months: 1 },
      settleMs: 0,
      patienceMs: 0,
      concurrency: 64,
      sweepItems: 300_000,
      portionItems: 10_000,
      lookingMs: 100_000,
      topLists: {
        entriesMax: TOP_ENTRIES_MAX,
        certainMin: TOP_MAX,
        remakeSegmentsMax: 20_000,
        remakeCountersMax: 200_000,
      },
    },
    always,
  );
  await leaveCursors(ports);
}

/**
 * Gives the levels' cursors the interval that it is for a compactor, so that the next one finds its work when it is due. Before this, it would
 * believe itself far ahead: a rebuild that dies here has to be run again.
 */
async function leaveCursors({ ledger, progress, clock }: RebuildPorts): Promise<void> {
  for (const shard of await ledger.shards()) {
    for (const [level, intervalMs] of [
      ['days', HOUR_MS],
      ['months', DAY_MS],
    ] as const) {
      const cursor = await progress.readCursor(shard, level);
      const interval = Math.floor(clock.nowMs() / intervalMs);
      await progress.putCursor(shard, level, { ...cursor, interval, revision: cursor.revision + 1 });
    }
  }
}

/** The shards that the second ledger knows, whichever rebuild brought them. */
function shardsOf(ledger: RebuildPorts['ledger'], generation: string): ShardDirectory {
  return {
    async shards(): Promise<readonly ListedShard[]> {
      const known = (await ledger.shards()).filter((shard) => generationOf(shard) === generation);
      const heads = await Promise.all(known.map((shard) => ledger.readHead(shard)));
      return known.map((shard, at) => ({
        shard: shardIdOf(shard),
        parents: (heads[at]?.ancestors ?? []).map((ancestor) => shardIdOf(ancestor.shard)),
      }));
    },
  };
}
