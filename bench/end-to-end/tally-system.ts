// Tally, as `npm start` runs it.
import { dynamoDb } from '../../lambdas/aws/clients/dynamo-db.ts';
import { startLocalStack } from '../../local/stack.ts';
import type { CountingSystem, SystemOptions } from './counting-system.ts';
import { deltaCounts } from './stored-counts.ts';

/** Starts the local stack. */
export async function startTally({ dataDir, port, settings }: SystemOptions): Promise<CountingSystem> {
  const stack = await startLocalStack({
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(port === undefined ? {} : { port }),
    ...(settings === undefined ? {} : { settings }),
    onCrash: (error) => {
      throw error;
    },
  });
  const variable = (name: string) => {
    const owner = stack.functions.all.find(({ definition }) => definition.environment[name] !== undefined);
    return owner?.definition.environment[name] ?? '';
  };
  const client = dynamoDb({
    endpoint: stack.endpoints.dynamodb,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  return {
    target: { url: stack.url },
    counts: () => deltaCounts(client, variable('COUNTS_TABLE')),
    stop: async () => {
      client.destroy();
      await stack.stop();
    },
  };
}
