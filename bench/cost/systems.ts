// The systems that are compared, each run on a load and checked against the reference.
import { isDeepStrictEqual } from 'node:util';
import { BUCKET_MINUTES } from '../../lambdas/counting/time.ts';
import type { Configuration } from '../../lib/configuration.ts';
import { shardsNeeded } from '../../plan/segments.ts';
import { USUAL_WORKLOAD } from '../../plan/workload.ts';
import type { Meter } from './meter.ts';
import { idempotentEach, markerEach, transactionEach, updateEach } from './others.ts';
import { type EachEvent, measuredOf, plannedFor } from './planned.ts';
import { settingsFor } from './stream.ts';
import { countsIn, type Ran, runTally, type TallyRun } from './tally.ts';
import { type Load, referenceOf } from './workloads.ts';
import type { World } from './worlds.ts';

/** All of them, in the tables' order. Packed: so many events a record. */
export const SYSTEMS = ['update', 'idempotent', 'markers', 'transaction', 'tally', 'packed'] as const;
export type System = (typeof SYSTEMS)[number];
export const PACKED = 50;

/** A system counted something else than the reference. */
export class WrongCounts extends Error {
  override readonly name = 'WrongCounts';
}

/** What a million events took. */
export interface PerMillion {
  readonly writeUnits: number;
  readonly readUnits: number;
  readonly sdkCalls: number;
  readonly sqsRequests: number;
  readonly sqsKb: number;
  readonly putUnits: number;
  readonly usd: number;
}

/** A system's figures for a load. */
export interface Figures extends PerMillion {
  readonly system: System;
}

/** Tally's, with what the plan says and how it came about. */
export interface TallyFigures extends Figures {
  readonly measured: ReturnType<typeof measuredOf>;
  readonly planned: EachEvent;
  readonly updates: number;
  readonly shards: number;
  readonly bucketMinutes: number;
  /** How much of what SQS bills for a send is filled, from 0 to 1. */
  readonly messageFill: number;
}

function perMillion(meter: Meter, events: number): PerMillion {
  const each = 1e6 / events;
  return {
    writeUnits: meter.writeUnits() * each,
    readUnits: meter.total().readUnits * each,
    sdkCalls: meter.sdkCalls * each,
    sqsRequests: meter.sqsRequests * each,
    sqsKb: (meter.sqsBytes * each) / 1024,
    putUnits: meter.putUnits * each,
    usd: meter.usd * each,
  };
}

/** Runs one that is not Tally. @throws WrongCounts */
export async function runOther(world: World, system: System, load: Load, c: Configuration): Promise<Figures> {
  if (system === 'update') await updateEach(world, load);
  else if (system === 'idempotent') await idempotentEach(world, load);
  else if (system === 'transaction') await transactionEach(world, load);
  else await markerEach(world, load, c);
  // Without a condition, what is sent twice counts twice: that is the price of its price.
  await check(world, load, system === 'update');
  return { system, ...perMillion(world.meter, load.events) };
}

/** Runs Tally. @throws WrongCounts */
export async function runOurs(world: World, run: TallyRun): Promise<TallyFigures> {
  const ran = await runTally(world, run);
  await check(world, run.load, false);
  const { load, configuration: c } = run;
  return {
    system: run.perRecord === 1 ? 'tally' : 'packed',
    ...perMillion(world.meter, load.events),
    measured: measuredOf(load, ran.segments, world.meter),
    planned: plannedFor(run, world.meter),
    updates: ran.updates / load.events,
    shards: c.streamShards,
    bucketMinutes: c.bucketMinutes,
    messageFill: fillOf(ran, world.meter),
  };
}

function fillOf({ messageBytes }: Ran, { sendRequests }: Meter): number {
  return messageBytes / (sendRequests * 64 * 1024);
}

async function check(world: World, load: Load, twice: boolean): Promise<void> {
  const counts = await countsIn(world);
  if (!isDeepStrictEqual(counts, referenceOf(load, twice)))
    throw new WrongCounts(`${load.log.name}: counts differ`);
  if (load.log.truth === undefined || load.events < load.log.events.length || twice) return;
  const sums = new Map<string, number>();
  for (const [name, n] of counts) {
    const entity = name.slice(0, name.lastIndexOf(' '));
    sums.set(entity, (sums.get(entity) ?? 0) + n);
  }
  if (!isDeepStrictEqual(sums, load.log.truth))
    throw new WrongCounts(`${load.log.name}: not the published truth`);
}

/** A Tally run with the shards that the load needs, and the bucket width with which it is cheapest by the plan's formula. */
export function tallyRun(
  load: Load,
  windowSeconds: number,
  perRecord: number,
  change: Partial<Configuration> = {},
): TallyRun {
  const bytes = averageEventBytes(load);
  const streamShards = shardsNeeded({
    ...USUAL_WORKLOAD,
    eventsPerSecond: load.perSecond,
    peakFactor: 1,
    eventsPerRecord: perRecord,
    eventBytes: bytes,
  });
  const settings = settingsFor(windowSeconds, { streamShards, bucketMinutes: 1, ...change });
  if (change.bucketMinutes !== undefined) return { load, configuration: settings, perRecord };
  // No wider than the run is long: the growth of items would not be seen.
  const widest = Math.max(1, load.events / load.perSecond / 60);
  const sizes = { putUnits: load.events / perRecord, dataBytes: bytes * load.events };
  const runs = BUCKET_MINUTES.filter((width) => width <= widest).map((bucketMinutes) => ({
    load,
    configuration: { ...settings, bucketMinutes },
    perRecord,
  }));
  const [best] = runs
    .map((run) => ({ run, units: Math.round(plannedFor(run, sizes).counterUnits * 1000) }))
    // Widest first, and stays so among those that cost the same.
    .sort((a, b) => a.units - b.units);
  if (best === undefined) throw new Error('there is no such bucket');
  return best.run;
}

function averageEventBytes({ log, events }: Load): number {
  let bytes = 0;
  for (const entity of log.events.subarray(0, events)) bytes += log.entities[entity]?.length ?? 0;
  return bytes / events + log.metric.length + FRAME_BYTES;
}

/** `{"id":"…36…","metric":"","entity":"","at":1795…}` */
const FRAME_BYTES = 93;
