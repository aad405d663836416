// Chooses a stage's settings for a load: the cheapest that keep the rules of lib/, the freshness asked for, and what nobody can raise.

import { BUCKET_MINUTES } from '../lambdas/counting/time.ts';
import { type Configuration, configurationOf, PRODUCTION, type Settings } from '../lib/configuration.ts';
import {
  ConfigurationError,
  freshnessAlarmSecondsMin,
  packBucketsMin,
  WRITER_TIMEOUT_SECONDS,
} from '../lib/configuration-rules.ts';
import { assumed } from './assumptions.ts';
import { billOf, requestsPerSecond, totalUsd } from './bill.ts';
import { type Model, modelOf } from './model.ts';
import { QUOTAS } from './quotas.ts';
import { shardsNeeded } from './segments.ts';
import { type Rank, ranksOf, type Workload } from './workload.ts';

/** Settings for a load, and what follows from them. */
export interface Choice {
  /** As `-c settings='…'` takes them: only what differs from a production stage's defaults. */
  readonly settings: Settings;
  readonly model: Model;
}

/** No settings bear the load. The message says what stood in the way last. */
export class NoSettings extends Error {
  override readonly name = 'NoSettings';
}

const WINDOWS_SECONDS = [1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300];
const WRITER_BATCHES = [100, 1_000];
const WRITER_MEMORIES_MB = [512, 1_024, 1_769];
/** With more shards than records need, each batch is smaller: that helps only where batches take too long. */
const SHARD_FACTORS = [1, 1.5, 2, 3];

/**
 * The cheapest settings for a load.
 * @throws NoSettings when there are none
 */
export function chooseSettings(w: Workload, stage = 'prod'): Choice {
  const ranks = ranksOf(w);
  const reasons = new Reasons();
  for (const factor of SHARD_FACTORS) {
    const streamShards = sharedEvenly(w, Math.ceil(shardsNeeded(w) * factor));
    const best = cheapest(w, ranks, streamShards, stage, reasons);
    if (best !== undefined) return best;
  }
  throw new NoSettings(reasons.last);
}

/** Buckets of packs are a power of two: on any other number of shards some would have twice as many of them as others. */
function sharedEvenly({ eventsPerRecord }: Workload, shards: number): number {
  return eventsPerRecord === 1 ? shards : 2 ** Math.ceil(Math.log2(shards));
}

interface Priced {
  readonly choice: Choice;
  readonly usd: number;
}

function isSafe({ peak }: Model): boolean {
  return peak.counters.hottest.uncoalescedWriteUnitsPerSecond <= QUOTAS.partitionWriteUnits.limit;
}

function cheapest(
  w: Workload,
  ranks: readonly Rank[],
  streamShards: number,
  stage: string,
  reasons: Reasons,
): Choice | undefined {
  let best: Priced | undefined;
  // Settings with which the hottest item would hold even if the writers never met two of its rows, before all others.
  let safest: Priced | undefined;
  for (const candidate of candidates(w, streamShards)) {
    const choice = feasible(w, ranks, candidate, stage, reasons);
    if (choice === undefined) continue;
    const usd = totalUsd(billOf(choice.model));
    if (best === undefined || usd < best.usd) best = { choice, usd };
    if (isSafe(choice.model) && (safest === undefined || usd < safest.usd)) safest = { choice, usd };
  }
  const chosen = safest ?? best;
  return chosen && finished(chosen.choice, stage);
}

type Candidate = Pick<
  Configuration,
  'streamShards' | 'aggregatorWindowSeconds' | 'bucketMinutes' | 'writerBatchSize' | 'writerWindowSeconds'
>;

/** A candidate with the least memory with which the writers are fast enough. */
function feasible(
  w: Workload,
  ranks: readonly Rank[],
  candidate: Candidate,
  stage: string,
  reasons: Reasons,
): Choice | undefined {
  for (const writerMemoryMb of WRITER_MEMORIES_MB) {
    const settings = settingsFor(w, { ...candidate, writerMemoryMb });
    const configuration = valid(stage, settings, reasons);
    if (configuration === undefined) return undefined;
    const model = modelOf(w, ranks, configuration);
    const obstacle = obstacleOf(model);
    if (obstacle === undefined) return { settings, model };
    reasons.inTheWay(obstacle);
  }
  return undefined;
}

/** Why candidates were dropped. What stood in the way of settings that keep the rules says more than a broken rule. */
class Reasons {
  #rule = 'No windows are as short as the freshness asked for.';
  #obstacle: string | undefined;

  broken(rule: string): void {
    this.#rule = rule;
  }

  inTheWay(obstacle: string): void {
    this.#obstacle = obstacle;
  }

  get last(): string {
    return this.#obstacle ?? this.#rule;
  }
}

/** Everything worth a look; windows that together are longer than the freshness asked for are not. */
function* candidates(w: Workload, streamShards: number): Iterable<Candidate> {
  for (const aggregatorWindowSeconds of WINDOWS_SECONDS) {
    for (const writerWindowSeconds of WINDOWS_SECONDS) {
      if (aggregatorWindowSeconds + writerWindowSeconds > w.freshnessSeconds) break;
      for (const bucketMinutes of BUCKET_MINUTES) {
        for (const writerBatchSize of WRITER_BATCHES) {
          yield {
            streamShards,
            aggregatorWindowSeconds,
            bucketMinutes,
            writerBatchSize,
            writerWindowSeconds,
          };
        }
      }
    }
  }
}

/** A candidate with what has to go with it, less what is the default anyway. */
function settingsFor(w: Workload, candidate: Partial<Configuration>): Settings {
  const requests = Math.ceil(requestsPerSecond(w) * w.peakFactor);
  const wanted: Configuration = { ...PRODUCTION, ...candidate };
  const rates = {
    // One key may belong to the only producer there is.
    throttleRequestsPerSecond: Math.max(PRODUCTION.throttleRequestsPerSecond, requests),
    keyRequestsPerSecond: Math.max(PRODUCTION.keyRequestsPerSecond, requests),
  };
  const following = {
    packBuckets: Math.max(PRODUCTION.packBuckets, packBucketsMin(wanted)),
    freshnessAlarmSeconds: Math.max(PRODUCTION.freshnessAlarmSeconds, freshnessAlarmSecondsMin(wanted)),
  };
  const all: Settings = { ...candidate, ...rates, ...following };
  const defaults: Settings = { ...PRODUCTION };
  return Object.fromEntries(Object.entries(all).filter(([name, value]) => defaults[name] !== value));
}

function valid(stage: string, settings: Settings, reasons: Reasons): Configuration | undefined {
  try {
    return configurationOf(stage, settings);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    reasons.broken(error.message);
    return undefined;
  }
}

/** Time that writer and aggregator keep in reserve (their handlers), seconds. */
const RESERVE_SECONDS = 15;
/** What keeps a stage from bearing its load that no request to AWS would change. */
function obstacleOf({ workload, mean, peak, freshnessSeconds }: Model): string | undefined {
  if (freshnessSeconds > workload.freshnessSeconds)
    return `Freshness of ${workload.freshnessSeconds} s is not met.`;
  const hottest = Math.max(...[mean, peak].map(({ counters }) => counters.hottest.writeUnitsPerSecond));
  if (hottest > QUOTAS.partitionWriteUnits.limit * assumed('hotItemFill'))
    return `The hottest counter item would take ${Math.round(hottest)} write units a second of a partition's 1,000.`;
  if (peak.segments.busy > assumed('aggregatorBusy')) return "A shard's batches would take all its time.";
  if (RESERVE_SECONDS + 2 * peak.counters.secondsEach > WRITER_TIMEOUT_SECONDS)
    return 'A writer would not get through its batch.';
  return undefined;
}

/** A choice with what follows from its flows: they do not depend on it. */
function finished({ settings, model }: Choice, stage: string): Choice {
  // Twice what the busiest minute needs, so that a backlog is worked off.
  const writers = Math.ceil(2 * model.peak.counters.concurrency);
  const more = { writerConcurrency: Math.min(1_000, Math.max(PRODUCTION.writerConcurrency, writers)) };
  const full = settingsFor(model.workload, { ...model.configuration, ...more });
  const names = new Set([
    ...Object.keys(settings),
    ...Object.keys(more),
    'packBuckets',
    'freshnessAlarmSeconds',
  ]);
  const chosen = Object.fromEntries(Object.entries(full).filter(([name]) => names.has(name)));
  return { settings: chosen, model: { ...model, configuration: configurationOf(stage, chosen) } };
}
