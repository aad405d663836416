// The stack, in the order of an event's path.
import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Accountant } from './accountant.ts';
import { Aggregator } from './aggregator.ts';
import { Archive } from './archive.ts';
import { Canary } from './canary.ts';
import { Collector } from './collector.ts';
import { Compactor } from './compactor.ts';
import { Console } from './console.ts';
import { EventStream } from './event-stream.ts';
import { FrontDoor } from './front-door.ts';
import type { Platform } from './handler-function.ts';
import { Observability } from './observability.ts';
import { Query } from './query.ts';
import { Redriver } from './redriver.ts';
import { resourcesParameter } from './resources-parameter.ts';
import { retryParameter } from './retry-parameter.ts';
import { RollupQueue } from './rollup-queue.ts';
import { Tables } from './tables.ts';
import { addUnknownRoutes } from './unknown-routes.ts';
import { Writer } from './writer.ts';

/** All of Tally in one stack. */
export class CountingStack extends Stack {
  constructor(scope: Construct, id: string, props: StackProps & Platform) {
    super(scope, id, props);
    const { configuration, code } = props;
    const platform: Platform = { configuration, code };

    const { counts, ledger } = new Tables(this, 'Tables');
    const archive = new Archive(this, 'Archive', configuration).bucket;
    const retries = retryParameter(this, 'Retries', configuration);

    // client → front door → stream → aggregator → queue → writer → counts
    const stream = new EventStream(this, 'Events', configuration).stream;
    const frontDoor = new FrontDoor(this, 'FrontDoor', { configuration, stream });
    const { queue, deadLetters } = new RollupQueue(this, 'Rollups', configuration);
    const aggregator = new Aggregator(this, 'Aggregator', { ...platform, stream, ledger, queue, archive });
    const operated = { counts, ledger, queue, deadLetters, archive, retries };
    new Writer(this, 'Writer', { ...platform, ...operated });

    // access logs in a bucket → collector → stream
    const collector =
      configuration.accessLogs.length === 0
        ? undefined
        : new Collector(this, 'Collector', { ...platform, stream, ledger, deadLetters });

    // dead letters → redriver → queue, or archive
    const redriver = new Redriver(this, 'Redriver', { ...platform, ...operated });
    frontDoor.addAdmin('redrive', redriver.function);
    resourcesParameter(this, 'Resources', configuration, { ...operated, stream, objects: collector?.queue });

    // ledger → accountant → checkpoints and metrics; counts → compactor → counts → query → client
    new Accountant(this, 'Accountant', { ...platform, stream, ledger });
    new Compactor(this, 'Compactor', { ...platform, stream, counts, ledger });
    new Query(this, 'Query', { ...platform, frontDoor, stream, counts, ledger });
    new Console(this, 'Console', { ...platform, frontDoor });

    // canary → stream …, and counts → canary, as a client
    new Canary(this, 'Canary', { ...platform, frontDoor, stream });

    addUnknownRoutes(frontDoor.api, configuration.allowOrigin);

    new Observability(this, 'Observability', configuration, {
      api: frontDoor.api,
      stream,
      queue,
      deadLetters,
      counts,
      ledger,
      aggregator: aggregator.function,
    });

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
