// More records than the stream's shards accept, until an operator adds shards.
import { setTimeout as pause } from 'node:timers/promises';
import { asList, asObject, asText, type Json, parseJson } from '../../../local/json.ts';
import type { Drill } from '../drill.ts';
import type { Scenario } from '../scenario.ts';

/** Records that a shard accepts in a minute of the drill: the emulator accepts all, so the drill throttles. */
const RECORDS_PER_SHARD = 30;
const SURGE_REQUESTS = 16;

export const throttledStream: Scenario = {
  name: 'throttled-stream',
  title: 'A surge beyond what the shards take',
  fires: ['StreamThrottled', 'FrontDoorErrors'],
  play: async (stage) => {
    const { drill } = stage;
    stage.breaks(
      `${SURGE_REQUESTS * 5} events a minute for 2 shards that take ${RECORDS_PER_SHARD} each; the rest is turned away by name, and sent again`,
    );
    limit(drill);
    await stage.untilAlarm('StreamThrottled', 22, { requests: SURGE_REQUESTS });
    const waiting = drill.producers.waiting;
    stage.say(`${waiting} requests of producers wait to be sent again; none was answered 202, none is lost`);
    await stage.operator(
      'Stream throttled',
      'aws kinesis update-shard-count --stream-name STREAM --target-shard-count 4 --scaling-type UNIFORM_SCALING',
      () => doubleShards(drill),
    );
    while (drill.producers.waiting > 0) await stage.minutes(1, { requests: 4 });
    drill.stack.setFault(undefined);
  },
};

/** Passes a number of records for each shard and minute, and refuses the rest of a request record by record, as Kinesis does. */
function limit(drill: Drill): void {
  const StreamName = drill.nameOf('AWS::Kinesis::Stream', 'Events');
  let [minute, taken] = [0, 0];
  drill.stack.setFault(async ({ caller, service, action, body }) => {
    if (!caller.startsWith('role ') || service !== 'kinesis' || action !== 'PutRecords') return 'pass';
    const now = Math.floor(drill.clock.nowMs() / 60_000);
    if (now !== minute) [minute, taken] = [now, 0];
    const room = (await openShards(drill)).length * RECORDS_PER_SHARD - taken;
    const records = asList(asObject(parseJson(body))['Records']);
    const passed = records.slice(0, room);
    taken += passed.length;
    if (passed.length === records.length) return 'pass';
    const answer =
      passed.length === 0
        ? {}
        : await drill.stack.call('kinesis', 'PutRecords', { StreamName, Records: passed });
    const refused: Json = {
      ErrorCode: 'ProvisionedThroughputExceededException',
      ErrorMessage: 'Rate exceeded for shard in stream',
    };
    const Records = records.map((_, index) => asList(answer['Records'])[index] ?? refused);
    const FailedRecordCount = records.length - passed.length;
    return { status: 200, headers: {}, body: JSON.stringify({ FailedRecordCount, Records }) };
  });
}

async function openShards(drill: Drill) {
  const StreamName = drill.nameOf('AWS::Kinesis::Stream', 'Events');
  const { Shards } = await drill.stack.call('kinesis', 'ListShards', { StreamName });
  return asList(Shards)
    .map(asObject)
    .filter((shard) => asObject(shard['SequenceNumberRange'])['EndingSequenceNumber'] === undefined);
}

/** Splits every open shard in its middle: what UpdateShardCount does, which the emulator does not have. */
async function doubleShards(drill: Drill): Promise<void> {
  const StreamName = drill.nameOf('AWS::Kinesis::Stream', 'Events');
  for (const shard of await openShards(drill)) {
    const { StartingHashKey, EndingHashKey } = asObject(shard['HashKeyRange']);
    const [from, to] = [StartingHashKey, EndingHashKey].map((key) => BigInt(asText(key) ?? '0'));
    const NewStartingHashKey = String(((from ?? 0n) + (to ?? 0n)) / 2n);
    const ShardToSplit = asText(shard['ShardId']) ?? '';
    await drill.stack.call('kinesis', 'SplitShard', { StreamName, ShardToSplit, NewStartingHashKey });
    await untilActive(drill, StreamName);
  }
}

async function untilActive(drill: Drill, StreamName: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const answer = await drill.stack.call('kinesis', 'DescribeStreamSummary', { StreamName });
    if (asObject(answer['StreamDescriptionSummary'])['StreamStatus'] === 'ACTIVE') return;
    await pause(10);
  }
  throw new Error('the stream did not become active');
}
