// Event source mapping of a Kinesis stream: one reader a shard, children after their parents.
import type { AwsJsonClient } from '../emulators/aws-json.ts';
import { LocalStackError } from '../errors.ts';
import { asBoolean, asList, asNumber, asObject, asText } from '../json.ts';
import { nameOf } from '../template/names.ts';
import type { Resource } from '../template/template.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { FailureDestination } from './failure-destination.ts';
import { listShards, type Shard } from './kinesis-records.ts';
import { createGate, type Invoke, type Mapping, pauseFor } from './mapping.ts';
import { readShard } from './shard-reader.ts';

/** Settings of a stream's mapping, in the template's words. */
export interface StreamSettings {
  readonly batchSize: number;
  readonly windowMs: number;
  /** -1: without limit. */
  readonly retriesMax: number;
  /** -1: without limit. */
  readonly recordAgeMaxMs: number;
  readonly bisects: boolean;
  readonly partialAnswers: boolean;
}

/** What a stream's mapping works with. */
export interface StreamMappingParts {
  readonly logicalId: string;
  readonly settings: StreamSettings;
  readonly streamName: string;
  readonly streamArn: string;
  readonly kinesis: AwsJsonClient;
  readonly checkpoints: Checkpoints;
  readonly onFailure: FailureDestination | undefined;
  readonly invoke: Invoke;
  /** Told of every batch handed over: when its last record arrived, epoch milliseconds. */
  readonly onBatch?: (lastArrivalMs: number) => void;
}

/** Shards are listed this often. */
const discoveryMs = 1_000;

/** Reads the settings of a stream's mapping. @throws LocalStackError for settings the local stack cannot follow */
export function streamSettings({ logicalId, properties }: Resource): StreamSettings {
  const refuse = (text: string) => new LocalStackError(`The mapping ${logicalId} ${text}`);
  if ((asNumber(properties['ParallelizationFactor']) ?? 1) !== 1) {
    throw refuse('has a ParallelizationFactor other than 1, which the local stack does not run.');
  }
  if (properties['StartingPosition'] !== 'TRIM_HORIZON') {
    throw refuse('must start at TRIM_HORIZON: the local stack runs no other position.');
  }
  const ageSeconds = asNumber(properties['MaximumRecordAgeInSeconds']) ?? -1;
  return {
    batchSize: asNumber(properties['BatchSize']) ?? 100,
    windowMs: (asNumber(properties['MaximumBatchingWindowInSeconds']) ?? 0) * 1_000,
    retriesMax: asNumber(properties['MaximumRetryAttempts']) ?? -1,
    recordAgeMaxMs: ageSeconds < 0 ? -1 : ageSeconds * 1_000,
    bisects: asBoolean(properties['BisectBatchOnFunctionError']) ?? false,
    partialAnswers: asList(properties['FunctionResponseTypes']).includes('ReportBatchItemFailures'),
  };
}

/** The ARN of the bucket that takes what is given up, if the mapping has one. */
export function failureDestinationArn({ properties }: Resource): string | undefined {
  return asText(asObject(asObject(properties['DestinationConfig'])['OnFailure'])['Destination']);
}

/** The stream a mapping's ARN names. */
export function streamNameOf(streams: readonly Resource[], arn: string): string | undefined {
  const name = arn.slice(arn.indexOf('/') + 1);
  return streams.map(nameOf).find((candidate) => candidate === name);
}

/** Starts the mapping: finds shards, reads each once its parents have been handled to their end. */
export function startKinesisMapping(parts: StreamMappingParts): Mapping {
  const { kinesis, streamName, checkpoints } = parts;
  const gate = createGate();
  const reading = new Map<string, { close(): void }>();
  let wakeDiscovery: (() => void) | undefined;

  const start = (shard: Shard) => {
    const state = { ...shard };
    reading.set(shard.shardId, {
      close: () => {
        state.closed = true;
      },
    });
    void readShard(parts, state, gate)
      .catch(() => {})
      .finally(() => wakeDiscovery?.());
  };

  const discover = async () => {
    const shards = await listShards(kinesis, streamName, gate.signal);
    const present = new Set(shards.map((shard) => shard.shardId));
    const drained = (shardId: string) => !present.has(shardId) || checkpoints.get(shardId)?.drained === true;
    for (const shard of shards) {
      const reader = reading.get(shard.shardId);
      if (reader !== undefined) {
        if (shard.closed) reader.close();
      } else if (!drained(shard.shardId) && shard.parents.every(drained)) {
        start(shard);
      }
    }
  };

  const run = async () => {
    while (!gate.signal.aborted) {
      try {
        await gate.pass();
        await discover();
      } catch {
        // The emulator does not answer, or the mapping stops: the loop's condition tells.
      }
      const woken = new Promise<void>((resolve) => {
        wakeDiscovery = resolve;
      });
      await Promise.race([woken, pauseFor(discoveryMs, gate.signal).catch(() => {})]);
    }
  };
  void run();

  return {
    logicalId: parts.logicalId,
    pause: gate.pause,
    resume: gate.resume,
    stop: async (graceMs) => {
      await gate.stop(graceMs);
      await checkpoints.flush();
    },
  };
}
