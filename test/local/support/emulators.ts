// The embedded emulators for a test file, and clients for them; stopped after the file's tests.
import { after } from 'node:test';
import { createAwsJsonClient } from '../../../local/emulators/aws-json.ts';
import { startEmulators } from '../../../local/emulators/emulators.ts';
import { asList, asObject, asText } from '../../../local/json.ts';

/** Starts the emulators in memory. */
export async function startTestEmulators() {
  const emulators = await startEmulators();
  const kinesis = createAwsJsonClient('kinesis', emulators.endpoints.kinesis);
  const sqs = createAwsJsonClient('sqs', emulators.endpoints.sqs);
  after(() => emulators.stop());
  return { emulators, kinesis, sqs };
}

/** What a Kinesis event's records hold, decoded. */
export function textsOf(event: unknown): string[] {
  return asList(asObject(event)['Records']).map((record) => {
    const data = asText(asObject(asObject(record)['kinesis'])['data']) ?? '';
    return Buffer.from(data, 'base64').toString('utf8');
  });
}
