// All event source mappings of the template.
import { join } from 'node:path';
import type { AwsJsonClient } from '../emulators/aws-json.ts';
import { LocalStackError } from '../errors.ts';
import type { Functions } from '../functions/functions.ts';
import { asText } from '../json.ts';
import { nounOf } from '../template/names.ts';
import type { Resource, Template } from '../template/template.ts';
import { openCheckpoints } from './checkpoints.ts';
import { startKinesisMapping, streamSettings } from './kinesis-mapping.ts';
import type { Mapping } from './mapping.ts';
import { queueSettings, startSqsMapping } from './sqs-mapping.ts';

interface MappingParts {
  readonly template: Template;
  readonly functions: Functions;
  readonly kinesis: AwsJsonClient;
  readonly sqs: AwsJsonClient;
  readonly dataDir: string | undefined;
  /** Called for each batch of a stream's mapping, with the function and the arrival of the last record. */
  readonly onBatch: (functionName: string, lastArrivalMs: number) => void;
}

/** The running mappings of a template. */
export type Mappings = ReturnType<typeof startMappings>;

/** Starts every mapping. */
export function startMappings(parts: MappingParts) {
  return parts.template.ofType('AWS::Lambda::EventSourceMapping').map((resource) => ({
    logicalId: resource.logicalId,
    /** The noun of the function that it feeds. */
    feeds: nounOf(parts.template, resource.properties['FunctionName']),
    ...startMapping(resource, parts),
  }));
}

function startMapping(resource: Resource, parts: MappingParts): Mapping {
  const { template, functions, kinesis, sqs, dataDir, onBatch } = parts;
  const { logicalId, properties } = resource;
  const sourceArn = asText(properties['EventSourceArn']) ?? '';
  const { definition, invoke, warm } = functions.find(asText(properties['FunctionName']) ?? '');
  warm();

  const source = template.resources.find(({ arn }) => arn === sourceArn);
  if (source?.type === 'AWS::Kinesis::Stream') {
    return startKinesisMapping({
      settings: streamSettings(resource),
      stream: source,
      kinesis,
      checkpoints: openCheckpoints(dataDir && join(dataDir, `checkpoints-${logicalId}.json`)),
      invoke,
      onBatch: (lastArrivalMs) => onBatch(definition.name, lastArrivalMs),
    });
  }
  if (source?.type === 'AWS::SQS::Queue') {
    const settings = queueSettings(resource);
    const concurrencyMax = Math.min(settings.concurrencyMax, definition.concurrencyMax);
    return startSqsMapping({ settings: { ...settings, concurrencyMax }, queue: source, sqs, invoke });
  }
  throw new LocalStackError(
    `The mapping ${logicalId} reads ${sourceArn}, which is neither a stream nor a queue of the template.`,
  );
}
