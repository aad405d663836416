// What breaks first: the load of the busiest minute against every limit.
import { APPLIED_BYTES_MAX, appliedBytesMax } from '../lib/configuration-rules.ts';
import { accountantSecondsOf, requestsPerSecond } from './bill.ts';
import type { Model } from './model.ts';
import { type Mover, QUOTAS, type Quota } from './quotas.ts';
import { recordBytes } from './segments.ts';

/** A limit, and what the busiest minute takes of it. */
export interface LimitUse {
  readonly name: string;
  readonly mover: Mover;
  readonly used: number;
  readonly limit: number;
  readonly source: string;
}

/** The fullest limit that no other settings would help against: what breaks first. */
export function breaksFirst(uses: readonly LimitUse[]): LimitUse | undefined {
  return uses.find(({ mover }) => mover !== 'settings');
}

/** Every limit with its use, the fullest first. */
export function limitsOf({ workload: w, configuration: c, mean, peak }: Model): readonly LimitUse[] {
  const { segments, counters, ledger, levels } = peak;
  const records = peak.eventsPerSecond / w.eventsPerRecord / c.streamShards;
  const frontDoor = requestsPerSecond(w) * w.peakFactor;
  const uses: LimitUse[] = [
    use(QUOTAS.gatewayRequests, frontDoor),
    use(QUOTAS.shards, c.streamShards),
    use(QUOTAS.shardRecords, records),
    use(QUOTAS.shardBytes, records * recordBytes(w)),
    use(QUOTAS.lambdaConcurrency, segments.concurrency + counters.concurrency),
    // Hidden from others while they are gathered and written.
    use(QUOTAS.inFlightMessages, counters.messagesPerSecond * (c.writerWindowSeconds + counters.secondsEach)),
    use(
      { ...QUOTAS.tableWriteUnits, name: 'write units/s of the counter table' },
      counters.writeUnitsPerSecond + levels.writeUnitsPerSecond,
    ),
    use({ ...QUOTAS.tableWriteUnits, name: 'write units/s of the ledger' }, ledger.writeUnitsPerSecond),
    use(
      { ...QUOTAS.tableReadUnits, name: 'read units/s of the ledger' },
      ledger.windowReadUnitsPerSecond + ledger.otherReadUnitsPerSecond,
    ),
    use(
      { ...QUOTAS.partitionWriteUnits, mover: 'settings', name: 'write units/s of the hottest counter item' },
      counters.hottest.writeUnitsPerSecond,
    ),
    use(
      { ...QUOTAS.partitionWriteUnits, name: "write units/s of a shard's ledger" },
      ledger.partitionWriteUnitsPerSecond,
    ),
    use(
      { ...QUOTAS.partitionReadUnits, name: "read units/s of a shard's ledger" },
      ledger.windowReadUnitsPerSecond / c.streamShards,
    ),
    use(QUOTAS.oneBatchAShard, segments.busy),
    // Over a day: the mean.
    use(QUOTAS.compactorSeconds, mean.levels.secondsAnHour),
    use(QUOTAS.accountantSeconds, accountantSecondsOf(c.streamShards)),
    {
      name: 'bytes of segment ids in a counter item, by the rule at synth',
      mover: 'settings',
      used: appliedBytesMax(c),
      limit: APPLIED_BYTES_MAX,
      source: 'lib/configuration-rules.ts',
    },
  ];
  return uses.toSorted((a, b) => b.used / b.limit - a.used / a.limit);
}

function use({ name, limit, mover, source }: Quota, used: number): LimitUse {
  return { name, limit, mover, source, used };
}
