// Faults of services in the drill.
import type { ServiceFault } from '../../local/emulators/fault-proxy.ts';
import type { Drill } from './drill.ts';

/** Answers every call from a function to a table with 500, as if the table were unavailable. */
export function tableAway(drill: Drill, word: 'Counters' | 'Ledger'): ServiceFault {
  const table = drill.nameOf('AWS::DynamoDB::Table', word);
  return ({ service, body }) =>
    service === 'dynamodb' && body.includes(`"${table}"`)
      ? {
          status: 500,
          headers: { 'content-type': 'application/x-amz-json-1.0' },
          body: '{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"drill"}',
        }
      : 'pass';
}
