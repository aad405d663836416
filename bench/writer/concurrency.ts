// Updates under way at once against throughput: the writer's use case over its adapters, on the emulator and on answers that take a while.

import { dynamoDb } from '../../lambdas/aws/clients/dynamo-db.ts';
import { CounterTable } from '../../lambdas/aws/counter-table.ts';
import { LedgerTable } from '../../lambdas/aws/ledger-table.ts';
import { deliveredMessage } from '../../lambdas/aws/rollup-queue.ts';
import { systemClock } from '../../lambdas/aws/telemetry.ts';
import { DEFAULT_RETRY_POLICY } from '../../lambdas/counting/retry-policy.ts';
import { type WriterPorts, writeRollups } from '../../lambdas/writer/write.ts';
import { TABLES } from './dynamodb.ts';
import type { WriterLoad } from './load.ts';

/** What one run came to. */
export interface ConcurrencyRun {
  readonly updatesPerSecond: number;
  /** Processor time of its thread, microseconds a call: sockets included, where there are some. */
  readonly cpuMicros: number;
}

/** Writes a load's messages in one batch, so many updates at once. @throws when a message was not written */
export async function writeAtOnce(load: WriterLoad, concurrency: number): Promise<ConcurrencyRun> {
  const client = dynamoDb({ requestTimeoutMs: 2_000, maxAttempts: 3 });
  const nothing = async () => {};
  const ports: WriterPorts = {
    counters: new CounterTable(client, TABLES.counters),
    ledger: new LedgerTable(client, TABLES.ledger, systemClock),
    expired: { keepExpired: nothing },
    failed: { delay: nothing, bury: nothing },
    retryPolicy: { current: async () => DEFAULT_RETRY_POLICY },
    clock: systemClock,
    random: Math.random,
  };
  const messages = load.records.map(deliveredMessage);
  const [startMs, cpu] = [performance.now(), process.threadCpuUsage()];
  const settings = { counterRetentionMs: undefined, concurrency };
  const { retry, report } = await writeRollups(messages, ports, settings, () => true);
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.threadCpuUsage(cpu);
  client.destroy();
  if (retry.length > 0) throw new Error(`messages failed: ${report.failures[0]}`);
  if (report.eventsCounted !== load.events)
    throw new Error(`${report.eventsCounted} events were counted, not ${load.events}`);
  const calls = report.updates + report.partsAcknowledged;
  return { updatesPerSecond: report.updates / seconds, cpuMicros: (user + system) / calls };
}
