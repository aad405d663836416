// The stack, room by room, in the order an event passes them.
import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Accounting } from './accounting.ts';
import { Aggregation } from './aggregation.ts';
import { Archive } from './archive.ts';
import { Auditing } from './auditing.ts';
import { Canary } from './canary.ts';
import { Compaction } from './compaction.ts';
import { Console } from './console.ts';
import { EventStream } from './event-stream.ts';
import { FrontDoor } from './front-door.ts';
import type { Surroundings } from './handler-function.ts';
import { Observability } from './observability.ts';
import { QueryApi } from './query-api.ts';
import { Redriving } from './redriving.ts';
import { resourcesParameter } from './resources-parameter.ts';
import { retryParameter } from './retry-parameter.ts';
import { RollupQueue } from './rollup-queue.ts';
import { Tables } from './tables.ts';
import { addUnknownRoutes } from './unknown-routes.ts';
import { Writing } from './writing.ts';

/** Everything that counts, in one stack. */
export class CountingStack extends Stack {
  constructor(scope: Construct, id: string, props: StackProps & Surroundings) {
    super(scope, id, props);
    const { configuration, code } = props;
    const around: Surroundings = { configuration, code };

    const { counters, ledger } = new Tables(this, 'Tables', configuration);
    const archive = new Archive(this, 'Archive', configuration).bucket;
    const retries = retryParameter(this, 'Retries', configuration);

    // client → front door → stream → aggregator → queue → writer → counters
    const stream = new EventStream(this, 'Events', configuration).stream;
    const frontDoor = new FrontDoor(this, 'FrontDoor', { configuration, stream });
    const { queue, deadLetters } = new RollupQueue(this, 'Rollups', configuration);
    const aggregation = new Aggregation(this, 'Aggregation', { ...around, stream, ledger, queue, archive });
    const written = { ...around, counters, ledger, queue, deadLetters, archive, retries };
    const writing = new Writing(this, 'Writing', written);

    // dead letters → redriver → queue, or archive
    const redriving = new Redriving(this, 'Redriving', written);
    frontDoor.addAdmin('redrive', redriving.function);

    resourcesParameter(this, 'Resources', configuration, written);

    // ledger → accountant → books and metrics; counters → query → client
    const accounting = new Accounting(this, 'Accounting', { ...around, stream, ledger });
    const reading = new QueryApi(this, 'Reading', { ...around, frontDoor, stream, counters, ledger });

    new Console(this, 'Face', { ...around, frontDoor });

    // counters → compactor → days, months, totals among the counters
    const compaction = new Compaction(this, 'Compaction', { ...around, stream, counters, ledger });

    // canary → stream …, and counts → canary, as a client
    const canary = new Canary(this, 'Heartbeat', { ...around, frontDoor, stream });

    // counters held against the stream and the ledger
    const audited = { ...around, frontDoor, stream, counters, ledger, archive };
    const auditing = new Auditing(this, 'Auditing', audited);

    addUnknownRoutes(frontDoor.api, configuration.allowOrigin);

    new Observability(this, 'Observability', configuration, {
      api: frontDoor.api,
      stream,
      queue,
      deadLetters,
      counters,
      ledger,
      functions: {
        aggregator: aggregation.function,
        writer: writing.function,
        redriver: redriving.function,
        accountant: accounting.function,
        query: reading.function,
        auditor: auditing.function,
        canary: canary.function,
        compactor: compaction.function,
      },
    });

    new CfnOutput(this, 'Url', {
      value: frontDoor.api.url,
      description: 'Where clients send events and ask for counts.',
    });
    if (frontDoor.apiKey !== undefined) {
      new CfnOutput(this, 'ApiKeyId', {
        value: frontDoor.apiKey.keyId,
        description: 'The first API key: aws apigateway get-api-key --include-value --api-key <this>',
      });
    }
  }
}
