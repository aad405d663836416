// The front door's mapping templates (VTL): from a request to PutRecords, and from its answer to ours.
//
// Nothing a client sent is ever written into a template's output as it came. `$input.json` gives JSON text: quoted,
// escaped, whole; `$util.base64Encode` makes of it letters that need no escaping at all. (`$util.escapeJavaScript`
// would not do: it turns ' into \', which is not JSON.) What `$input.path` gives is only counted, walked and compared.
//
// Only constructs that Velocity on AWS and in the local stack treat alike: no #stop, no string methods, no
// $foreach.first. A request has at most 500 events (events-schema.ts); #foreach ends at 1,000 rounds.

/** Seconds after which a client that was turned away may come again. */
export const RETRY_AFTER_SECONDS = 1;

/**
 * The PutRecords request: each event a record of its own, its id the partition key, so that a repeated id meets its
 * twin on one shard. An event without an id gets a key that spreads, never one that repeats.
 *
 * The computed path (`"$.events[$foreach.index]"`) is a Velocity string like any other: double quotes interpolate, and
 * `$.` is no reference, so it stays.
 * @param streamName the stream's name; it needs no escaping (letters, digits, `_.-`)
 */
export function putRecordsRequest(streamName: string): string {
  return `#set($events = $input.path("$.events"))
{"StreamName":"${streamName}","Records":[
#foreach($event in $events)
{"Data":"$util.base64Encode($input.json("$.events[$foreach.index]"))","PartitionKey":#if($event.id && $event.id != "")$input.json("$.events[$foreach.index].id")#else"$context.requestId:$foreach.index"#end}#if($foreach.hasNext),#end

#end
]}`;
}

/**
 * The PutRecords request for packs: each a record of its own, put where its bucket's part of the hash keys begins. So
 * packs of a bucket are always on one shard, whatever is in them, and where no two shards meet within the part, with
 * the bucket's events that were sent alone.
 * @param buckets how many there are: a power of two
 */
export function putPacksRequest(streamName: string, buckets: number): string {
  const bits = Math.log2(buckets);
  const width = 2n ** 128n / BigInt(buckets);
  const keys = Array.from({ length: buckets }, (_, bucket) => {
    const name = bucket.toString(2).padStart(bits, '0');
    return `"${name}":"${width * BigInt(bucket)}"`;
  });
  return `#set($packs = $input.path("$.packs"))
#set($hashKeys = {${keys.join(',')}})
{"StreamName":"${streamName}","Records":[
#foreach($pack in $packs)
{"Data":"$util.base64Encode($input.json("$.packs[$foreach.index].events"))","PartitionKey":$input.json("$.packs[$foreach.index].bucket"),"ExplicitHashKey":"$hashKeys.get($pack.bucket)"}#if($foreach.hasNext),#end

#end
]}`;
}

/**
 * What the client is told when Kinesis answered 200, which it does even when it took nothing.
 * Only a FailedRecordCount of exactly 0 is a success: the integration's 202 stands then and only then.
 */
export const PUT_RECORDS_ANSWERED = `#set($records = $input.path("$.Records"))
#set($failed = $input.path("$.FailedRecordCount"))
#if($failed == 0)
{"accepted":$records.size()}
#else
#set($context.responseOverride.status = 503)
#set($context.responseOverride.header.Retry-After = "${RETRY_AFTER_SECONDS}")
#set($accepted = 0)
#set($separator = "")
{"message":"Some events were not taken: send the whole request again, which is safe for events that have an id.","failed":[
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
 * What the client is told when Kinesis answered neither 200 nor 5xx. Throttling is the client's to repeat; every other
 * refusal is ours to repair, so the integration's 500 stands.
 */
export const PUT_RECORDS_REFUSED = putRecordsRefused('');

/**
 * The same for packs. What Kinesis does not take of a request that is ours but for its data is its size: 5 MB in all. One
 * pack is never too large (PACK_EVENTS_MAX), and an event that is sent alone neither.
 */
export const PUT_PACKS_REFUSED = putRecordsRefused(`#elseif($type == "InvalidArgumentException")
#set($context.responseOverride.status = 413)
{"message":"The request is too large: send fewer events at once."}
`);

function putRecordsRefused(otherwise: string): string {
  return `#set($type = $input.path("$.__type"))
#if($type == "ProvisionedThroughputExceededException" || $type == "KMSThrottlingException" || $type == "LimitExceededException" || $type == "ThrottlingException")
#set($context.responseOverride.status = 429)
#set($context.responseOverride.header.Retry-After = "${RETRY_AFTER_SECONDS}")
{"message":"Too many events at the moment: nothing was taken, send the whole request again."}
${otherwise}#else
{"message":"The events could not be taken because of a fault on our side."}
#end`;
}

/** What the client is told when Kinesis could not answer. It may have stored the events: an id makes repeating safe. */
export const PUT_RECORDS_FAILED =
  '{"message":"The events may not have been taken: send the whole request again, which is safe for events that have an id."}';

/** What the client is told when Kinesis finds the request too large. */
export const PUT_RECORDS_TOO_LARGE = '{"message":"The request is too large: send fewer events at once."}';
