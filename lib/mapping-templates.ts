// The front door's mapping templates (VTL): from a request to PutRecords, and from its answer to Tally's.
//
// A template never outputs client input unescaped. `$input.json` gives JSON text: quoted, escaped, complete.
// `$util.base64Encode` turns it into characters that need no escaping. (`$util.escapeJavaScript` would be wrong: it turns
// ' into \', which is not JSON.) Values from `$input.path` are only counted, iterated over and compared.
//
// Uses only constructs that Velocity on AWS and in the local stack treat alike: no #stop, no string methods, no
// $foreach.first. A request has at most 500 events (api/events.ts); #foreach stops after 1,000 iterations.
//
// Double-quoted strings interpolate once: inserted text is not evaluated again. `$.` is not a reference.
import type { FrontDoorAnswer } from './front-door-answers.ts';

/** Retry-After in seconds for throttled clients. */
export const RETRY_AFTER_SECONDS = 1;

const TOO_LARGE =
  'The request exceeds the 1 MiB of a batch: no event was accepted, send fewer at once, under a new batch key.';

/**
 * The PutRecords request. With a batch key: one record with all events, `[1, key, [event, …]]` (core/event.ts), and the key as
 * its partition key. Without: each event is a record, with its id as the partition key; an event without an id gets a
 * well-distributed key made from the request's id, which a client cannot choose.
 * @param streamName needs no escaping (letters, digits, `_.-`)
 */
export function putRecordsRequest(streamName: string): string {
  return `#set($batch = $input.path("$.batch"))
{"StreamName":"${streamName}","Records":[
#if($batch && $batch != "")
#set($key = $input.json("$.batch"))
#set($list = $input.json("$.events"))
{"Data":"$util.base64Encode("[1,$key,$list]")","PartitionKey":$key}
#else
#set($events = $input.path("$.events"))
#foreach($event in $events)
{"Data":"$util.base64Encode($input.json("$.events[$foreach.index]"))","PartitionKey":#if($event.id && $event.id != "")$input.json("$.events[$foreach.index].id")#else"$context.extendedRequestId:$foreach.index"#end}#if($foreach.hasNext),#end

#end
#end
]}`;
}

/**
 * Echoes the request's origin. Browsers send credentials with every beacon, and then refuse an answer for `*`. Tally reads
 * no cookies, so the echo gives an origin nothing.
 */
export const ECHO_ORIGIN = `#set($headers = $input.params().header)
#set($origin = $headers.get("Origin"))
#if(!$origin)
#set($origin = $headers.get("origin"))
#end
#if($origin && $origin != "")
#set($context.responseOverride.header.Access-Control-Allow-Origin = $origin)
#end
`;

/**
 * The answer when Kinesis answered 200, which it does even if it stored nothing.
 * Only a FailedRecordCount of exactly 0 is a success, and only then the integration's 202 stays.
 */
const ANSWERED = `#set($records = $input.path("$.Records"))
#set($failed = $input.path("$.FailedRecordCount"))
#if($failed == 0)
{"accepted":$records.size()}
#else
#set($context.responseOverride.status = 503)
#set($context.responseOverride.header.Retry-After = "${RETRY_AFTER_SECONDS}")
#set($accepted = 0)
#set($separator = "")
{"message":"Some events were not accepted: send the whole request again, which is safe under a batch key and for events that have an id.","failed":[
#foreach($record in $records)
#if($record.ErrorCode && $record.ErrorCode != "")
\${separator}{"index":$foreach.index,"code":$input.json("$.Records[$foreach.index].ErrorCode")}
#set($separator = ",")
#else
#set($accepted = $accepted + 1)
#end
#end
],"accepted":$accepted}
#end`;

/**
 * The answer when Kinesis answered neither 200 nor 5xx. The client retries what was throttled. Only the request's data comes
 * from the client, so Kinesis can only object to its size: 1 MiB per record, 5 MiB in total. Any other refusal is Tally's
 * fault, so the integration's 500 stays.
 */
const REFUSED = `#set($type = $input.path("$.__type"))
#if($type == "ProvisionedThroughputExceededException" || $type == "KMSThrottlingException" || $type == "LimitExceededException" || $type == "ThrottlingException")
#set($context.responseOverride.status = 429)
#set($context.responseOverride.header.Retry-After = "${RETRY_AFTER_SECONDS}")
{"message":"Too many events at the moment: no event was accepted, send the whole request again."}
#elseif($type == "InvalidArgumentException" || $type == "ValidationException")
#set($context.responseOverride.status = 413)
{"message":"${TOO_LARGE}"}
#else
{"message":"No event was accepted, because of an error in Tally."}
#end`;

/** The answer when Kinesis failed. It may have stored the events: keys and ids make a retry safe. */
const FAILED =
  '{"message":"Perhaps no event was accepted: send the whole request again, which is safe under a batch key and for events that have an id."}';

/** The answers to what Kinesis answers, by the pattern of its status codes: one per own code, which is API Gateway's key. */
export const PUT_RECORDS_ANSWERS: readonly FrontDoorAnswer[] = [
  { selectionPattern: '200', statusCode: '202', template: ANSWERED },
  { selectionPattern: '413', statusCode: '413', template: `{"message":"${TOO_LARGE}"}` },
  {
    selectionPattern: '5[0-9]{2}',
    statusCode: '503',
    template: FAILED,
    headers: { 'Retry-After': `'${RETRY_AFTER_SECONDS}'` },
  },
  // Kinesis' other 4xx, and anything unforeseen: never a success.
  { statusCode: '500', template: REFUSED },
];
