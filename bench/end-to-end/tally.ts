// Tally, as run by `npm start`, in memory.
import { dynamoDb } from '../../lambdas/aws/clients/dynamo-db.ts';
import { decodeRows } from '../../lambdas/core/rows.ts';
import { credentials, region } from '../../local/identity.ts';
import { startLocalStack } from '../../local/stack.ts';
import { sumTable } from './counting-server.ts';
import type { CountingSystem } from './system-process.ts';

/** Starts the local stack. */
export async function startTally(): Promise<CountingSystem> {
  const stack = await startLocalStack({
    onCrash: (error) => {
      throw error;
    },
  });
  const client = dynamoDb({ endpoint: stack.endpoints.dynamodb, region, credentials });
  const [{ COUNTS_TABLE = '' } = {}] = stack.functions.all
    .map(({ definition }) => definition.environment)
    .filter((environment) => 'COUNTS_TABLE' in environment);
  return {
    url: stack.url,
    // Each delta is stored once.
    counts: () =>
      sumTable(client, COUNTS_TABLE, ({ pk, rows }) => {
        if (!pk?.S?.startsWith('DELTA#') || rows?.B === undefined) return [];
        return decodeRows(rows.B).map(({ metric, entity, cells }) => [
          `${metric}#${entity}`,
          [...cells.values()].reduce((sum, n) => sum + Number(n), 0),
        ]);
      }),
    stop: async () => {
      client.destroy();
      await stack.stop();
    },
  };
}
