// Event source mapping of a Kinesis stream: one reader per shard, children after their parents.
import type { AwsJsonClient } from '../emulators/aws-json.ts';
import { LocalStackError } from '../errors.ts';
import type { LocalFunction } from '../functions/function.ts';
import type { Json } from '../json.ts';
import type { Resource } from '../template/template.ts';
import type { Checkpoints } from './checkpoints.ts';
import { type BatchSettings, batchSettings, createGate, type Mapping, pauseFor } from './mapping.ts';
import { listShards, readShard, type Shard } from './shard-reader.ts';

export interface StreamMappingParts {
  readonly settings: BatchSettings;
  readonly stream: Pick<Resource, 'name' | 'arn'>;
  readonly kinesis: AwsJsonClient;
  readonly checkpoints: Checkpoints;
  readonly invoke: LocalFunction['invoke'];
  /** Called for every batch with the arrival of its last record, epoch milliseconds. */
  readonly onBatch?: (lastArrivalMs: number) => void;
}

/** Interval at which shards are listed. */
const discoveryMs = 1_000;

/** Required settings of a stream's mapping: the local stack supports no other values. */
const onlyValues: Readonly<Record<string, Json>> = {
  BisectBatchOnFunctionError: false,
  MaximumRecordAgeInSeconds: -1,
  MaximumRetryAttempts: -1,
  ParallelizationFactor: 1,
  StartingPosition: 'TRIM_HORIZON',
};

/** Reads the settings of a stream's mapping. @throws LocalStackError for unsupported settings */
export function streamSettings(resource: Resource): BatchSettings {
  for (const [name, value] of Object.entries(onlyValues)) {
    if ((resource.properties[name] ?? value) !== value)
      throw new LocalStackError(
        `The mapping ${resource.logicalId} has another ${name} than ${value}, the only one that the local stack runs.`,
      );
  }
  return batchSettings(resource, 100);
}

/** Starts the mapping: finds shards, and reads each once its parents are handled to their ends. */
export function startKinesisMapping(parts: StreamMappingParts): Mapping {
  const { kinesis, stream, checkpoints } = parts;
  const gate = createGate();
  /** The shards being read, which learn here that they are closed. */
  const reading = new Map<string, Shard>();

  const discover = async () => {
    const shards = await listShards(kinesis, stream.name, gate.signal);
    const present = new Set(shards.map((shard) => shard.shardId));
    const drained = (shardId: string) => !present.has(shardId) || checkpoints.get(shardId)?.drained === true;
    for (const shard of shards) {
      const known = reading.get(shard.shardId);
      if (known !== undefined) Object.assign(known, shard);
      else if (!drained(shard.shardId) && shard.parents.every(drained)) {
        reading.set(shard.shardId, shard);
        // At its end, children can be read.
        void readShard(parts, shard, gate)
          .then(discover)
          .catch(() => {});
      }
    }
  };

  const run = async () => {
    while (!gate.signal.aborted) {
      try {
        await gate.pass();
        await discover();
      } catch {
        // The emulator does not answer, or the mapping is stopping: the loop's condition decides.
      }
      await pauseFor(discoveryMs, gate.signal).catch(() => {});
    }
  };
  void run();
  return gate;
}
