// The contract suite: what a service must do for Tally to count correctly on it.

/** Registers the tests of the services and their adapters, on the target that the environment names. */
export async function registerContractSuite(): Promise<void> {
  await import('../contract/services/dynamodb.test.ts');
  await import('../contract/services/dynamodb-reads.test.ts');
  await import('../contract/services/kinesis.test.ts');
  await import('../contract/services/sqs-s3-ssm.test.ts');
  await import('../contract/collector.test.ts');
  await import('../contract/heartbeat.test.ts');
  await import('../contract/ledger-table.test.ts');
  await import('../contract/ledger-window.test.ts');
  await import('../contract/queues.test.ts');
  await import('../contract/stream-log.test.ts');
  await import('../contract/store-table.test.ts');
}
