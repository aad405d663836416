// The stack, in the order of an event's path.
import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Accountant } from './accountant.ts';
import { Aggregator } from './aggregator.ts';
import { archiveBucket } from './archive.ts';
import { Canary } from './canary.ts';
import { Collector } from './collector.ts';
import { Compactor } from './compactor.ts';
import type { Configuration } from './configuration.ts';
import { Console } from './console.ts';
import { eventStream } from './event-stream.ts';
import { FrontDoor } from './front-door.ts';
import type { CodeOrigin, Platform } from './handler-function.ts';
import { Observability } from './observability.ts';
import { Query } from './query.ts';
import { Redriver } from './redriver.ts';
import { resourcesParameter } from './resources-parameter.ts';
import { retryParameter } from './retry-parameter.ts';
import { rollupQueue } from './rollup-queue.ts';
import { tables } from './tables.ts';
import { addUnknownRoutes } from './unknown-routes.ts';
import { Writer } from './writer.ts';

interface CountingStackProps extends StackProps {
  readonly configuration: Configuration;
  readonly code: CodeOrigin;
}

export class CountingStack extends Stack {
  constructor(scope: Construct, id: string, props: CountingStackProps) {
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
    const aggregator = new Aggregator(this, 'Aggregator', platform);
    new Writer(this, 'Writer', platform);

    // access logs in a bucket → collector → stream
    const collector =
      configuration.accessLogs.length === 0 ? undefined : new Collector(this, 'Collector', platform);

    // dead letters → redriver → queue, or archive
    new Redriver(this, 'Redriver', platform);
    resourcesParameter(this, 'Resources', platform, collector?.queue);

    // ledger → accountant → checkpoints and metrics; counts → compactor → counts → query → client
    new Accountant(this, 'Accountant', platform);
    new Compactor(this, 'Compactor', platform);
    new Query(this, 'Query', platform);
    new Console(this, 'Console', platform);

    // canary → stream …, and counts → canary, as a client
    new Canary(this, 'Canary', platform);

    addUnknownRoutes(frontDoor.api, configuration.allowOrigin);

    new Observability(this, 'Observability', { ...platform, aggregator });

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
