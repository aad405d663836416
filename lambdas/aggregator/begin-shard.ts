// A shard's first batch in a generation: ends the shard's earlier generations before anything is planned.
import {
  endedHead,
  type Generation,
  generationsIn,
  type ShardBeginning,
  shardBeginning,
} from '../core/generation.ts';
import { type ShardId, type ShardKey, shardKey } from '../core/identifiers.ts';
import type { Head, RollupConfig } from '../core/segment.ts';
import type { Clock, GenerationLedger, SegmentLedger } from '../ports.ts';
import type { AggregatorSettings } from './aggregate.ts';
import { GenerationEnded } from './errors.ts';

interface BeginPorts {
  readonly ledger: GenerationLedger & Pick<SegmentLedger, 'readHead'>;
  readonly clock: Clock;
}

/**
 * Finds where a shard begins in the current generation, and ends its earlier generations, which then plan nothing more of it.
 * Repeatable; two concurrent containers agree.
 * @param beganMs when the invocation began, epoch milliseconds
 * @param finish finishes the shard's planned segment in an earlier generation
 * @throws GenerationEnded when a later generation exists
 */
export async function beginShard(
  shard: ShardId,
  beganMs: number,
  ports: BeginPorts,
  settings: AggregatorSettings,
  finish: (generation: string) => Promise<unknown>,
): Promise<ShardBeginning> {
  const generations = await generationsInForce(beganMs, ports, settings);
  const heads = new Map<string, ShardBeginning['before']>();
  for (const { name } of generations.slice(0, -1)) {
    const key = shardKey(name, shard);
    const head = await end(key, ports.ledger, settings.rollup, () => finish(name));
    if (head.segment > 0) heads.set(name, { shard: key, head });
  }
  return shardBeginning(generations, (name) => heads.get(name));
}

/** The generations up to the current one, which is added to the ledger's list if missing. */
async function generationsInForce(
  beganMs: number,
  { ledger, clock }: BeginPorts,
  { generation: name, generationFrom: from = 'heads' }: AggregatorSettings,
): Promise<readonly Generation[]> {
  for (;;) {
    const listed = await ledger.readGenerations();
    const newest = listed.at(-1);
    if (newest?.name === name) return listed;
    // An invocation from before the newest began is of an earlier deployment, even if its generation never counted anything.
    const isEarlier = newest !== undefined && newest.startedAtMs > beganMs;
    if (isEarlier || listed.some((one) => one.name === name))
      throw new GenerationEnded(
        `stream generation ${name} was replaced by ${newest?.name}: deploy with that streamGeneration, or with a new one`,
      );
    // A ledger that predates the list of generations may have shards of some.
    const earlier = listed.length > 0 ? listed : generationsIn(await ledger.shards());
    const started = [
      ...earlier.filter((one) => one.name !== name),
      { name, from, startedAtMs: clock.nowMs() },
    ];
    if ((await ledger.putGenerations(started, listed.length)) === 'put') return started;
  }
}

/** Ends a shard in an earlier generation, after its planned segment is finished. @returns its ended head */
async function end(
  shard: ShardKey,
  ledger: BeginPorts['ledger'],
  config: RollupConfig,
  finish: () => Promise<unknown>,
): Promise<Head> {
  for (;;) {
    const head = await ledger.readHead(shard);
    if (head?.status === 'ended') return head;
    if (head?.status === 'planned') {
      await finish();
      continue;
    }
    const ended = endedHead(head, config);
    if ((await ledger.endHead(shard, ended)) === 'ended') return ended;
  }
}
