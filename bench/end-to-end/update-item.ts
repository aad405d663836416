// The common serverless counter: one UpdateItem with ADD for each event, on the local stack's emulator.
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { createTable } from '../../cli/recount/tables.ts';
import { dynamoDb } from '../../lambdas/aws/clients/dynamo-db.ts';
import { startEmulator } from '../../local/emulators/emulators.ts';
import { credentials, region } from '../../local/identity.ts';
import { serveCounter, sumTable } from './counting-server.ts';
import type { CountingSystem } from './system-process.ts';

const TableName = 'counters';
/** The same as Tally's functions. */
const CONNECTIONS = 64;

/** Starts emulator and server. An item holds an hour: its total and its minutes. */
export async function startUpdateItem(): Promise<CountingSystem> {
  const emulator = await startEmulator('dynamodb');
  const client = dynamoDb({
    // A function's timeout would abort calls that queue here, and leave unknown whether they were counted.
    requestHandler: new NodeHttpHandler({ httpAgent: { keepAlive: true, maxSockets: CONNECTIONS } }),
    ...{ endpoint: emulator.endpoint, region, credentials },
  });
  await createTable(client, TableName);
  const server = await serveCounter(async (events) => {
    const now = new Date();
    const updates = events.map(({ metric, entity }) =>
      client.send(
        new UpdateItemCommand({
          TableName,
          Key: { pk: { S: entity }, sk: { S: `${metric}#${now.toISOString().slice(0, 13)}` } },
          UpdateExpression: 'ADD n :n, #minute :n',
          ExpressionAttributeNames: { '#minute': `m${now.getUTCMinutes()}` },
          ExpressionAttributeValues: { ':n': { N: '1' } },
        }),
      ),
    );
    await Promise.all(updates);
  });
  return {
    url: server.endpoint,
    counts: () =>
      sumTable(client, TableName, ({ pk, sk, n }) => [[`${sk?.S?.split('#')[0]}#${pk?.S}`, Number(n?.N)]]),
    stop: async () => {
      await server.stop();
      client.destroy();
      await emulator.stop();
    },
  };
}
