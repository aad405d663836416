import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { openStack } from '../../cli/shared/stack-access.ts';
import { listen } from '../../local/listening.ts';

const resources = {
  streamName: 'stream',
  rollupQueueUrl: 'http://queue',
  deadLetterQueueUrl: 'http://dead',
  archiveBucket: 'archive',
  countsTable: 'counts',
  ledgerTable: 'ledger',
  retryParameter: 'retries',
  settings: { ledgerRetentionDays: 60 },
};

/** How far this machine is ahead of the server, which answers as Systems Manager does; its date is in whole seconds. */
let aheadMs = 0;
const server = createServer((_, response) => {
  response.setHeader('Date', new Date(Date.now() - aheadMs).toUTCString());
  response.setHeader('Content-Type', 'application/x-amz-json-1.1');
  response.end(JSON.stringify({ Parameter: { Value: JSON.stringify(resources) } }));
});
const { endpoint, stop } = await listen(server);
after(stop);
Object.assign(process.env, {
  AWS_ENDPOINT_URL_SSM: endpoint,
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
});

test('a stack on AWS opens with a clock that is about right, and is refused with a wrong one', async () => {
  for (aheadMs of [0, 20_000, -20_000]) {
    const stack = await openStack({ stage: 'prod' });
    assert.equal(stack.resources.countsTable, 'counts');
    stack.close();
  }
  aheadMs = 125_000;
  await assert.rejects(openStack({ stage: 'prod' }), {
    name: 'CommandError',
    message: /clock is 12[5-9] seconds ahead of that of AWS\. Set it first/,
  });
  aheadMs = -7_200_000;
  await assert.rejects(openStack({ stage: 'prod' }), {
    message: /clock is 7\d{3} seconds behind that of AWS/,
  });
});

test('a stack that was deployed before its commands is refused', async () => {
  aheadMs = 0;
  const { settings } = resources;
  Object.assign(resources, { settings: {} });
  await assert.rejects(openStack({ stage: 'prod' }), {
    name: 'CommandError',
    message: 'The parameter /tally/prod/resources has no ledgerRetentionDays: deploy the stack again.',
  });
  Object.assign(resources, { settings });
});
