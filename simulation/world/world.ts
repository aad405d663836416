// All fakes together: the state of every service, and clients of them over any network.
import type { Clock, TableHealth } from '../../lambdas/ports.ts';
import type { Random } from '../random.ts';
import { CountersClient, FakeCounters } from './counters.ts';
import { FakeLedger } from './ledger.ts';
import { LedgerClient, type LedgerOptions } from './ledger-client.ts';
import { FakeLevels, LevelsClient } from './levels.ts';
import type { Network } from './network.ts';
import { UNWATCHED, type WorldObserver } from './observer.ts';
import { FakeQueue } from './queue.ts';
import {
  ArchiveClient,
  DeadLettersClient,
  FailedMessagesClient,
  FakeArchive,
  type PartialSends,
  RollupQueueClient,
} from './queue-clients.ts';
import { type FakeParameter, type RememberedPolicy, RetryParameterClient } from './retry-parameter.ts';
import { FakeStream } from './stream.ts';
import { type PageOptions, StreamLogClient } from './stream-log.ts';
import { FakeTops, TopsClient } from './tops.ts';

/** How a world is made. Times are milliseconds. */
export interface WorldOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly observer?: WorldObserver;
  readonly shards: number;
  readonly streamRetentionMs: number;
  readonly sequenceBase?: bigint;
  readonly queueRetentionMs: number;
  readonly deadLetterRetentionMs: number;
  readonly maxReceiveCount: number;
  readonly ttlDelayMs: number;
  readonly pages: PageOptions;
  readonly ledger: LedgerOptions;
  readonly partialSends?: PartialSends;
  /** The retry parameter's text. */
  readonly retries: string;
}

const HOUR_MS = 3_600_000;

/** Options as on AWS by default, for tests that care about few of them. */
export const ORDINARY_WORLD = {
  shards: 1,
  streamRetentionMs: 7 * 24 * HOUR_MS,
  queueRetentionMs: 4 * 24 * HOUR_MS,
  deadLetterRetentionMs: 14 * 24 * HOUR_MS,
  maxReceiveCount: 20,
  ttlDelayMs: 0,
  pages: { records: 100, empties: false },
  ledger: { chunkBytes: 320_000, pageEntries: 200 },
  retries: '{}',
} as const;

/** The state of every service. */
export class World {
  readonly stream: FakeStream;
  readonly ledger: FakeLedger;
  readonly counters: FakeCounters;
  readonly levels: FakeLevels;
  readonly tops: FakeTops;
  readonly queue: FakeQueue;
  readonly deadLetters: FakeQueue;
  readonly archive: FakeArchive;
  readonly parameter: FakeParameter;
  readonly #options: WorldOptions;
  readonly #observer: WorldObserver;

  constructor(options: WorldOptions) {
    const { clock, random, shards, streamRetentionMs, sequenceBase } = options;
    const observer = options.observer ?? UNWATCHED;
    this.#options = options;
    this.#observer = observer;
    this.stream = new FakeStream({
      clock,
      shards,
      retentionMs: streamRetentionMs,
      observer,
      ...(sequenceBase !== undefined && { sequenceBase }),
    });
    this.ledger = new FakeLedger(observer);
    this.counters = new FakeCounters(clock, options.ttlDelayMs, observer);
    this.levels = new FakeLevels(clock, options.ttlDelayMs, observer);
    this.tops = new FakeTops(clock, options.ttlDelayMs, observer);
    this.archive = new FakeArchive(observer);
    this.parameter = { text: options.retries };
    this.deadLetters = new FakeQueue({
      name: 'dead',
      clock,
      random: random.fork('dead'),
      retentionMs: options.deadLetterRetentionMs,
      observer,
    });
    this.queue = new FakeQueue({
      name: 'rollup',
      clock,
      random: random.fork('rollup'),
      retentionMs: options.queueRetentionMs,
      redrive: { maxReceiveCount: options.maxReceiveCount, deadLetters: this.deadLetters },
      observer,
    });
  }

  /** Whether both tables answer, as redrive asks. */
  tables(network: Network): TableHealth {
    const { counters, ledger } = this.clients(network, this.#options.clock);
    return { isHealthy: async () => (await counters.isHealthy()) && (await ledger.isHealthy()) };
  }

  /** Clients of all services over a network: what a use case's ports are made of. */
  clients(network: Network, clock: Clock, remembered?: RememberedPolicy) {
    return {
      log: new StreamLogClient(this.stream, network, this.#options.pages),
      ledger: new LedgerClient(this.ledger, network, this.#options.ledger),
      counters: new CountersClient(this.counters, network),
      levels: new LevelsClient(this.levels, network),
      tops: new TopsClient(this.tops, network),
      queue: new RollupQueueClient(this.queue, network, this.#observer, this.#options.partialSends),
      failed: new FailedMessagesClient(this.queue, this.deadLetters, network),
      deadLetters: new DeadLettersClient(this.queue, this.deadLetters, this.archive, network),
      archive: new ArchiveClient(this.archive, network),
      retryPolicy: new RetryParameterClient(this.parameter, network, clock, remembered),
    };
  }
}
