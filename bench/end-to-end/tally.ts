// Tally, as run by `npm start`, in memory.
import { dynamoDb } from '../../lambdas/aws/clients/dynamo-db.ts';
import { CANARY_ENTITY } from '../../lambdas/core/canary.ts';
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
    // Each delta is stored once. The canary counts every minute, too.
    counts: () =>
      sumTable(client, COUNTS_TABLE, ({ pk, rows }) => {
        if (!pk?.S?.startsWith('DELTA#') || rows?.B === undefined) return [];
        const sent = decodeRows(rows.B).filter(({ entity }) => entity !== CANARY_ENTITY);
        return sent.map(({ metric, entity, cells }) => [
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
