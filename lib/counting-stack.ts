// The stack, in the order of an event's path.
import { type App, CfnOutput, Stack } from 'aws-cdk-lib';
import { accountant } from './accountant.ts';
import { aggregator } from './aggregator.ts';
import { archiveBucket } from './archive.ts';
import { canary } from './canary.ts';
import { collector } from './collector.ts';
import { compactor } from './compactor.ts';
import type { Configuration } from './configuration.ts';
import { consolePage } from './console.ts';
import { eventStream } from './event-stream.ts';
import { FrontDoor } from './front-door.ts';
import type { CodeOrigin, Platform } from './handler-function.ts';
import { observability } from './observability.ts';
import { resourcesParameter, retryParameter } from './parameters.ts';
import { query } from './query.ts';
import { redriver } from './redriver.ts';
import { rollupQueue } from './rollup-queue.ts';
import { tables } from './tables.ts';
import { addUnknownRoutes } from './unknown-routes.ts';
import { writer } from './writer.ts';

/** Adds the stack of a stage to the app. */
export function addStack(app: App, configuration: Configuration, code: CodeOrigin): Stack {
  const stack = new Stack(app, `Tally-${configuration.stage}`, {
    description: 'Tally counts events exactly.',
  });

  const stores = {
    ...tables(stack),
    archive: archiveBucket(stack, configuration),
    retries: retryParameter(stack, configuration),
  };
  const stream = eventStream(stack, configuration);
  const frontDoor = new FrontDoor(stack, 'FrontDoor', configuration, stream);
  const queues = rollupQueue(stack, configuration);
  const platform: Platform = { stack, configuration, code, frontDoor, stream, ...queues, ...stores };

  // client → front door → stream → aggregator → queue → writer → counts
  const aggregating = aggregator(platform);
  writer(platform);

  // access logs in a bucket → collector → stream
  const objects = collector(platform);

  // dead letters → redriver → queue, or archive
  redriver(platform);
  resourcesParameter(platform, objects);

  // ledger → accountant → checkpoints and metrics; counts → compactor → counts → query → client
  accountant(platform);
  compactor(platform);
  const querying = query(platform);
  consolePage(platform);

  // canary → stream …, and counts → canary, as a client
  canary(platform);

  addUnknownRoutes(frontDoor.api, configuration.allowOrigin);

  observability({ ...platform, aggregator: aggregating, query: querying, objects });

  new CfnOutput(stack, 'Url', { value: frontDoor.api.url, description: 'Address of the API.' });
  if (frontDoor.apiKey !== undefined) {
    new CfnOutput(stack, 'ApiKeyId', {
      value: frontDoor.apiKey.keyId,
      description: 'The first API key: aws apigateway get-api-key --include-value --api-key <this>',
    });
  }
  return stack;
}
