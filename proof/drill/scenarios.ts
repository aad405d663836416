// The drill's scenarios: something breaks, alarms go off, an operator acts by the runbook, and counts are right.
import { setTimeout as pause } from 'node:timers/promises';
import type { ServiceFault } from '../../local/emulators/fault-proxy.ts';
import { asList, asObject, asText, type Json, parseJson } from '../../local/json.ts';
import { rollupQueueIn } from '../../local/template/names.ts';
import type { Drill, MinuteOptions } from './drill.ts';

/** A scenario: something breaks, alarms go off, an operator acts by the runbook, and counts are right. */
export interface Scenario {
  /** For `--only`. */
  readonly name: string;
  readonly title: string;
  /** Alarms that must go off, by the names that operators read. */
  readonly fires: readonly string[];
  /** Alarms that may go off as well, with the reason. */
  readonly mayFire?: Readonly<Record<string, string>>;
  play(stage: Stage): Promise<void>;
}

/** What a scenario can do. */
export interface Stage {
  readonly drill: Drill;
  /** Prints what happens. */
  say(text: string): void;
  /** Marks the moment when something breaks: output from here on is "during". */
  breaks(text: string): void;
  /** Lets minutes pass. */
  minutes(count: number, options?: MinuteOptions): Promise<void>;
  /** Lets minutes pass until an alarm is on. @throws when it does not go off within the given minutes */
  untilAlarm(name: string, minutesMax: number, options?: MinuteOptions): Promise<void>;
  /**
   * The operator acts.
   * @param section heading of the runbook that says so
   * @param command what an operator types on AWS
   * @param act the same on the local stack
   * @returns the output of `act`
   */
  operator<T>(section: string, command: string, act: () => Promise<T> | T): Promise<T>;
  /** The operator runs `npx tally …`, and the first lines of its output are shown. @returns the output */
  operatorRuns(section: string, args: readonly string[]): Promise<string>;
}

/** Records that a shard accepts in a minute of the drill: the emulator accepts all, so the drill throttles. */
const RECORDS_PER_SHARD = 30;
const SURGE_REQUESTS = 16;

/** Every scenario, in the order in which they are played. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'table-outage',
    title: 'The counter table is away for five minutes',
    fires: ['FrontDoorErrors'],
    mayFire: { QueriesFailed: 'the canary asks for counts', CanaryLate: 'its events wait like others' },
    play: async (stage) => {
      const { drill } = stage;
      stage.breaks('every call of a function to the counter table is answered 500');
      drill.stack.setFault(countersAway(drill));
      await stage.minutes(5);
      await stage.operatorRuns('Dead letters', ['dead-letters', 'list']);
      const { inFlight, dead } = await drill.stack.status();
      stage.say(
        `the table is back; in flight ${inFlight}, dead ${dead}: nothing is lost, nothing is counted yet`,
      );
      drill.stack.setFault(undefined);
      await stage.operatorRuns('Dead letters', ['dead-letters', 'redrive', '--all']);
    },
  },
  {
    name: 'poison-message',
    title: 'A poison message in the rollup queue',
    fires: ['Parked'],
    play: async (stage) => {
      const { drill } = stage;
      stage.breaks(
        'a stray client sends {"hello":"queue"} to the rollup queue, among the messages of the minute',
      );
      await drill.stack.call('sqs', 'SendMessage', {
        QueueUrl: rollupQueueIn(drill.stack.template).ref,
        MessageBody: '{"hello":"queue"}',
      });
      await stage.untilAlarm('Parked', 5);
      const listed = await stage.operatorRuns('Parked', ['dead-letters', 'list', '--parked']);
      const [name] = /poison\/[\w-]+/.exec(listed) ?? [];
      if (name === undefined) throw new Error('no poison is parked');
      const why = 'no rollup message: a stray client';
      await stage.operatorRuns('Parked', ['dead-letters', 'discard', name, '--why', why, '--yes']);
      stage.say('its neighbours were counted, and it was never an event: nothing is lost');
    },
  },
  {
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
      const waiting = drill.producers.waiting();
      stage.say(
        `${waiting} requests of producers wait to be sent again; none was answered 202, none is lost`,
      );
      await stage.operator(
        'Stream throttled',
        'aws kinesis update-shard-count --stream-name STREAM --target-shard-count 4 --scaling-type UNIFORM_SCALING',
        () => doubleShards(drill),
      );
      while (drill.producers.waiting() > 0) await stage.minutes(1, { requests: 4 });
      drill.stack.setFault(undefined);
    },
  },
  stoppedHalf('writer', 'The writer stands still; the queue holds everything', 'QueueAge', 'Queue age'),
  stoppedHalf(
    'aggregator',
    'The aggregator stands still; the stream holds everything',
    'CompleteThroughLag',
    'Complete-through lag',
  ),
  {
    name: 'wrong-parameter',
    title: 'The retry parameter is wrong, twice',
    fires: ['RetryParameter', 'Parked'],
    mayFire: { FrontDoorErrors: 'the canary asks for counts while the table is away' },
    play: async (stage) => {
      const { drill } = stage;
      const name = drill.nameOf('AWS::SSM::Parameter', 'Retries');
      const { Parameter } = await drill.stack.call('ssm', 'GetParameter', { Name: name });
      const good = (Parameter as { Value: string }).Value;

      stage.breaks('the parameter has a field that does not exist: {"attemps":5}');
      await put(stage, name, '{"attemps":5}');
      await stage.untilAlarm('RetryParameter', 6);
      stage.say('the last good value holds: everything is counted as before');

      stage.say(
        'a hurried fix: {"attempts":1,"redriveRounds":0}, and the counter table is away for a minute',
      );
      await put(stage, name, '{"attempts":1,"redriveRounds":0}');
      await stage.minutes(1);
      drill.stack.setFault(countersAway(drill));
      await stage.minutes(1);
      drill.stack.setFault(undefined);
      await stage.untilAlarm('Parked', 4);
      stage.say(`parked: ${(await drill.stack.status()).parked} events`);
      await stage.operator(
        'Retry parameter',
        `aws ssm put-parameter --overwrite --name ${name} --value '${good}'`,
        () => put(stage, name, good),
      );
      await stage.operatorRuns('Parked', ['dead-letters', 'replay', '--all']);
    },
  },
];

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

async function put(stage: Stage, Name: string, Value: string): Promise<void> {
  await stage.drill.stack.call('ssm', 'PutParameter', { Name, Value, Type: 'String', Overwrite: true });
}

/** Answers every call from a function to the counter table with 500, as if the table were unavailable. */
export function countersAway(drill: Drill): ServiceFault {
  const table = drill.nameOf('AWS::DynamoDB::Table', 'Counters');
  return ({ service, body }) =>
    service === 'dynamodb' && body.includes(`"${table}"`)
      ? {
          status: 500,
          headers: { 'content-type': 'application/x-amz-json-1.0' },
          body: '{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"drill"}',
        }
      : 'pass';
}

/** One half is stopped: its event source mapping is disabled, and an operator enables it again. */
function stoppedHalf(noun: 'writer' | 'aggregator', title: string, alarm: string, section: string): Scenario {
  return {
    name: `stopped-${noun}`,
    title,
    fires: [alarm, 'CanaryLate'],
    // A matter of minutes: they look at how long it took, when it is over.
    mayFire: {
      CompleteThroughLag: 'completeThrough stands still as long as the half does',
      IteratorAge: 'the first batches after the return are old',
      Freshness: 'what waited is counted late',
    },
    play: async (stage) => {
      const { drill } = stage;
      const mapping = drill.mapping(noun);
      stage.breaks(`the mapping of the ${noun} is disabled`);
      await mapping.pause();
      await stage.untilAlarm(alarm, 24);
      const { received, counted, inFlight } = await drill.stack.status();
      stage.say(
        noun === 'writer'
          ? `received ${received}, counted ${counted}: ${inFlight} events wait in the queue`
          : `accepted ${drill.expected()}, read ${received}: ${drill.expected() - received} events wait in the stream`,
      );
      await stage.operator(
        section,
        "aws lambda list-event-source-mappings --function-name FUNCTION --query 'EventSourceMappings[].[UUID,State]'",
        () => stage.say('State: Disabled'),
      );
      await stage.operator(
        'Stopping one half',
        'aws lambda update-event-source-mapping --uuid UUID --enabled',
        () => mapping.resume(),
      );
    },
  };
}
