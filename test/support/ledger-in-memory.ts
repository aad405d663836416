// A ledger in memory, and the clock that it goes by.
import { FakeAws } from '../../fake-aws/aws.ts';
import type { Transport } from '../../fake-aws/call.ts';
import { LedgerTable } from '../../lambdas/ledger/ledger-table.ts';
import { ARRIVAL_MS } from './records.ts';

/** @param retentionMs how long entries are kept; undefined: forever */
export function ledgerInMemory(retentionMs?: number) {
  const clock = { now: ARRIVAL_MS, nowMs: () => clock.now };
  const aws = new FakeAws({ clock });
  aws.dynamoDb.addTable('ledger', { ttl: 'expiresAt' });
  const ledgerOver = (transport?: Transport) =>
    new LedgerTable(aws.clients(transport).dynamoDb, 'ledger', clock, retentionMs);
  return { clock, aws, ledger: ledgerOver(), ledgerOver };
}
