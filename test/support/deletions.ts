// Deletes an entity from a StoreWorld, while time goes on and compaction runs.
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { Transport } from '../../fake-aws/call.ts';
import { decodeRows } from '../../lambdas/core/rows.ts';
import { retentionsKept } from '../../lambdas/core/watermark.ts';
import { S3ArchiveCleaner } from '../../lambdas/deletion/archive-cleaner.aws.ts';
import { deleteEntity } from '../../lambdas/deletion/delete-entity.ts';
import type { DeletionReport } from '../../lambdas/deletion/ports.ts';
import { RewriteTable } from '../../lambdas/store/rewrite-table.ts';
import type { StoreWorld } from './store-world.ts';

/** The entity that is deleted. */
export const PERSON = 'person@example.com';

export interface Deleting {
  readonly transport?: Transport;
  readonly dryRun?: boolean;
  readonly archive?: boolean;
  /** What happens while it waits, besides compaction. */
  readonly onPause?: () => Promise<void>;
}

/** Deletes the person. The world needs a bucket named `archive`. */
export async function deletePerson(
  world: StoreWorld,
  { transport, dryRun = false, archive = false, onPause = async () => {} }: Deleting = {},
): Promise<DeletionReport> {
  const { state, store } = world.compactorPorts(transport);
  const { dynamoDb, s3 } = world.aws.clients(transport);
  const ports = {
    state: state as typeof world.state,
    store,
    rewriter: new RewriteTable(dynamoDb, 'counts'),
    archive: new S3ArchiveCleaner(s3, 'archive'),
    clock: world.clock,
    pause: async (ms: number) => {
      world.nowMs += ms;
      await onPause();
      await world.compact();
    },
  };
  const retentions = retentionsKept(await world.ledger.readWatermark(), world.settings.retentions);
  return deleteEntity(PERSON, ports, { retentions, patienceMs: 60_000 }, { dryRun, archive });
}

/** Every item of the store that still names the person. */
export async function itemsNaming(world: StoreWorld): Promise<string[]> {
  const { Items = [] } = await world.aws.clients().dynamoDb.send(new ScanCommand({ TableName: 'counts' }));
  return Items.filter((item) => {
    const { rows, entries } = unmarshall(item);
    return [rows, entries].some(
      (bytes) => bytes !== undefined && decodeRows(bytes).some(({ entity }) => entity === PERSON),
    );
  }).map(({ pk, sk }) => `${pk?.S} ${sk?.S}`);
}
