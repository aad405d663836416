// The console's switches: faults to turn on while the stack runs, each with its expected effect.
import type { AwsJsonClient, JsonService } from './emulators/aws-json.ts';
import type { ServiceCall, ServiceFault } from './emulators/fault-proxy.ts';
import type { Mappings } from './event-source-mappings/mappings.ts';
import type { Functions } from './functions/functions.ts';
import { nounOf, rollupQueueIn } from './template/names.ts';
import type { Template } from './template/template.ts';

interface BreakItParts {
  readonly template: Template;
  readonly functions: Functions;
  readonly mappings: Mappings;
  readonly clients: Readonly<Record<JsonService, AwsJsonClient>>;
}

/** A fault as shown by the console. */
interface Fault {
  readonly name: string;
  readonly title: string;
  /** What happens while it is on. */
  readonly expect: string;
  /** Whether it happens once, instead of until it is switched off. */
  readonly once?: true;
}

const FAULTS: readonly Fault[] = [
  {
    name: 'stop-writer',
    title: 'Stop the writer',
    expect: 'In flight rises: the queue holds everything. Switch off, and the writer catches up in seconds.',
  },
  {
    name: 'stop-aggregator',
    title: 'Stop the aggregator',
    expect: 'Unread rises: the stream holds everything, and nothing else moves. Switch off, and it reads on.',
  },
  {
    name: 'throttle-tables',
    title: 'Throttle the tables',
    expect:
      "DynamoDB refuses four of five of the writer's writes. In flight rises. After some attempts messages are dead, in red. Switch off, and the redriver brings them back.",
  },
  {
    name: 'lose-answers',
    title: 'Lose answers',
    expect:
      'Every fourth write succeeds, but its answer gets lost, so the SDK sends it again. A naive counter would count it twice. Here no count is off.',
  },
  {
    name: 'deliver-twice',
    title: 'Deliver twice',
    expect:
      'Every record enters the stream twice, and every message the queue. Duplicate rises as fast as counted, and no count is off.',
  },
  {
    name: 'kill-aggregator',
    title: 'Kill a function in mid-batch',
    expect:
      'The aggregator dies again and again between two writes. The stream delivers the batch again, and the ledger replays the same segment.',
  },
  {
    name: 'poison',
    title: 'Poison a message',
    expect:
      'Sends a record that is no event, and a message that is no rollup. The record is rejected, the message is set aside, and their neighbours are counted.',
    once: true,
  },
];

const THROTTLED_SHARE = 0.8;
const LOST_SHARE = 0.25;
const KILLED_SHARE = 0.2;

const REFUSED = {
  status: 400,
  headers: { 'content-type': 'application/x-amz-json-1.0' },
  body: '{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"Break it: the tables are throttled."}',
} as const;

/** The console's switches. */
export type BreakIt = ReturnType<typeof createBreakIt>;

/** Creates the switches, all off. */
export function createBreakIt({ template, functions, mappings, clients }: BreakItParts) {
  const on = new Set<string>();

  const hold = (noun: string, held: boolean) => {
    // Do not wait for batches in progress.
    for (const mapping of mappings.filter(({ feeds }) => feeds === noun))
      held ? void mapping.pause() : mapping.resume();
  };
  const redriver = functions.all.find(({ definition }) => nounOf(template, definition.name) === 'redriver');

  const isWrite = ({ service, action }: ServiceCall) =>
    service === 'dynamodb' && /^(Put|Update|Delete|BatchWrite|TransactWrite)/.test(action);

  /** Decides about the calls of the two halves, and of the front door, which has a role. */
  const fault: ServiceFault = async (call) => {
    if (on.size === 0) return 'pass';
    const { caller, service, action, body } = call;
    const name = caller.replace(/^function /, '');
    const noun = caller.startsWith('role ') ? 'front door' : nounOf(template, name);
    if (noun !== 'writer' && noun !== 'aggregator' && noun !== 'front door') return 'pass';
    if (on.has('deliver-twice')) {
      if (service === 'sqs' && action.startsWith('SendMessage')) await clients.sqs.send(action, body);
      if (noun === 'front door' && action === 'PutRecords') await clients.kinesis.send(action, body);
    }
    if (!isWrite(call)) return 'pass';
    if (on.has('throttle-tables') && noun === 'writer' && Math.random() < THROTTLED_SHARE) return REFUSED;
    if (on.has('kill-aggregator') && noun === 'aggregator' && Math.random() < KILLED_SHARE) {
      await functions.find(name).kill();
      return 'lose-answer';
    }
    return on.has('lose-answers') && Math.random() < LOST_SHARE ? 'lose-answer' : 'pass';
  };

  const poison = async () => {
    const [stream] = template.ofType('AWS::Kinesis::Stream');
    if (stream === undefined) throw new Error('the template has no stream');
    const Data = Buffer.from('{"this is":"no event"}').toString('base64');
    await clients.kinesis.call('PutRecord', {
      StreamName: stream.name,
      Data,
      PartitionKey: String(Math.random()),
    });
    await clients.sqs.call('SendMessage', {
      QueueUrl: rollupQueueIn(template).ref,
      MessageBody: '{"this is":"no rollup"}',
    });
  };

  /** What a switch does at once; the other faults are decided call by call. */
  const effects: Readonly<Record<string, (on: boolean) => unknown>> = {
    'stop-writer': (held) => hold('writer', held),
    'stop-aggregator': (held) => hold('aggregator', held),
    // As an operator would: dead letters need not wait for the redriver's schedule.
    'throttle-tables': (throttled) => throttled || redriver?.invoke({ max: 10_000 }),
    poison,
  };

  return {
    list: () => FAULTS.map((fault) => ({ once: false, ...fault, on: on.has(fault.name) })),
    /** Switches a fault. @returns false for an unknown name */
    set: async (name: string, wanted: boolean): Promise<boolean> => {
      const fault = FAULTS.find((each) => each.name === name);
      if (fault === undefined) return false;
      if (!fault.once && on.has(name) === wanted) return true;
      if (wanted && !fault.once) on.add(name);
      else on.delete(name);
      await effects[name]?.(wanted);
      return true;
    },
    fault,
  };
}
