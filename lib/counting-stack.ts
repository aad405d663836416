// The stack, in the order of an event's path.
import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { accountant } from './accountant.ts';
import { aggregator } from './aggregator.ts';
import { archiveBucket } from './archive.ts';
import { canary } from './canary.ts';
import { collector } from './collector.ts';
import { compactor } from './compactor.ts';
import { consolePage } from './console.ts';
import { eventStream } from './event-stream.ts';
import { FrontDoor } from './front-door.ts';
import type { Platform } from './handler-function.ts';
import { observability } from './observability.ts';
import { resourcesParameter, retryParameter } from './parameters.ts';
import { query } from './query.ts';
import { redriver } from './redriver.ts';
import { rollupQueue } from './rollup-queue.ts';
import { tables } from './tables.ts';
import { addUnknownRoutes } from './unknown-routes.ts';
import { writer } from './writer.ts';

export class CountingStack extends Stack {
  constructor(scope: Construct, id: string, props: StackProps & Pick<Platform, 'configuration' | 'code'>) {
    super(scope, id, props);
    const { configuration, code } = props;

    const stores = {
      ...tables(this),
      archive: archiveBucket(this, configuration),
      retries: retryParameter(this, 'Retries', configuration),
    };
    const stream = eventStream(this, configuration);
    const frontDoor = new FrontDoor(this, 'FrontDoor', configuration, stream);
    const queues = rollupQueue(this, configuration);
    const platform: Platform = { configuration, code, frontDoor, stream, ...queues, ...stores };

    // client → front door → stream → aggregator → queue → writer → counts
    const watched = { ...platform, aggregator: aggregator(this, platform) };
    writer(this, platform);

    // access logs in a bucket → collector → stream
    const objects = collector(this, platform);

    // dead letters → redriver → queue, or archive
    redriver(this, platform);
    resourcesParameter(this, 'Resources', platform, objects);

    // ledger → accountant → checkpoints and metrics; counts → compactor → counts → query → client
    accountant(this, platform);
    compactor(this, platform);
    query(this, platform);
    consolePage(this, platform);

    // canary → stream …, and counts → canary, as a client
    canary(this, platform);

    addUnknownRoutes(frontDoor.api, configuration.allowOrigin);

    observability(this, watched);

    new CfnOutput(this, 'Url', {
      value: frontDoor.api.url,
      description: 'Address of the API.',
    });
    if (frontDoor.apiKey !== undefined) {
      new CfnOutput(this, 'ApiKeyId', {
        value: frontDoor.apiKey.keyId,
        description: 'The first API key: aws apigateway get-api-key --include-value --api-key <this>',
      });
    }
  }
}
