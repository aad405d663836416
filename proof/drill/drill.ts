// A drill: a local stack whose clock advances minute by minute, with traffic, alarms, and an oracle that keeps its own counts.

import { addEmbeddedMetrics, createDataPoints, type DataPoints } from '../../local/alarms/data-points.ts';
import { sampleQueues, serviceMetrics } from '../../local/alarms/service-metrics.ts';
import { readAlarms } from '../../local/alarms/template-alarms.ts';
import { type AlarmChange, type AlarmWatch, watchAlarms } from '../../local/alarms/watch.ts';
import { createClock, type LocalClock } from '../../local/clock.ts';
import type { Mapping } from '../../local/event-source-mappings/mapping.ts';
import { asList, asObject, type Json, parseJson } from '../../local/json.ts';
import { type ObservedCall, observers, type StackObserver } from '../../local/observer.ts';
import { type LocalStack, startLocalStack } from '../../local/stack.ts';
import { fedNoun, nameOf, rollupQueueIn } from '../../local/template/names.ts';
import { readTemplate, type Template } from '../../local/template/template.ts';
import { Random } from '../simulation/random.ts';
import { tallyOutput } from '../tally.ts';
import { Oracle } from './oracle.ts';
import { type MinuteOfTraffic, Producers } from './producers.ts';

const MINUTE_MS = 60_000;
/** Minutes before alarms are watched: a new stack has no data yet. */
const WARM_UP_MINUTES = 6;
/** How long a minute waits for work that can still be handled. */
const PATIENCE_MS = 15_000;

/** The result of one minute. */
interface Minute {
  /** Minutes since the drill began. */
  readonly number: number;
  readonly traffic: MinuteOfTraffic;
  readonly changes: readonly AlarmChange[];
}

/** Options of one minute. */
export interface MinuteOptions {
  /** New requests of the producers; ten by default. */
  readonly requests?: number;
  /** How long to wait for work that can still be handled; shorter while something is broken. */
  readonly patienceMs?: number;
}

/** A drill in progress. */
export interface Drill {
  readonly stack: LocalStack;
  readonly oracle: Oracle;
  readonly producers: Producers;
  readonly watch: AlarmWatch;
  readonly points: DataPoints;
  readonly clock: LocalClock;
  /** Plays a minute: schedules, traffic, and all work that can be handled; then advances the clock to the next whole minute. */
  minute(options?: MinuteOptions): Promise<Minute>;
  /** Runs `npx tally … --url URL`. @returns what it prints @throws when it fails */
  tally(...args: string[]): Promise<string>;
  /** The mapping that feeds a function, by the function's noun. */
  mapping(noun: string): Mapping;
  /** The physical name of the one resource of a type whose logical id contains a word. */
  nameOf(type: string, word: string): string;
  /** All events sent: those of the oracle, and the canary's. */
  expected(): number;
  stop(): Promise<void>;
}

/** Starts a drill. @param template the template to deploy @param observer also receives every observation */
export async function startDrill(template: Json, observer?: StackObserver): Promise<Drill> {
  const clock = createClock();
  const points = createDataPoints();
  // Names do not depend on ports, except queue URLs, which no alarm uses.
  const read: Template = readTemplate(template, { queueEndpoint: '' });
  const watch = watchAlarms(readAlarms(read), points);
  const metrics = serviceMetrics(read, points, clock.nowMs);
  /** Invocations that are going on, and records of the canary that the stream took. */
  let [running, canaryEvents] = [0, 0];
  const counting: StackObserver = {
    functionStarted: () => {
      running += 1;
    },
    functionEnded: () => {
      running -= 1;
    },
    serviceCalled: (call) => {
      canaryEvents += canaryRecords(call);
    },
  };
  toNextMinute(clock);
  const stack = await startLocalStack({
    template,
    schedules: false,
    clock,
    observer: observers(metrics, counting, observer ?? {}),
    onProblem: (message) => process.stderr.write(`${message}\n`),
    onFunctionOutput: (_, line) => addEmbeddedMetrics(line, points),
  });
  const oracle = new Oracle();
  const random = new Random('drill');
  const producers = new Producers(stack.url, oracle, () => random.next());
  const QueueName = nameOf(rollupQueueIn(stack.template));
  const paused = new Set<string>();

  const expected = () => oracle.events + canaryEvents;

  const visible = () =>
    points.statistic(
      { namespace: 'AWS/SQS', name: 'ApproximateNumberOfMessagesVisible', dimensions: { QueueName } },
      'Minimum',
      clock.nowMs() - 1_000,
      clock.nowMs() + 1,
    );

  /** Whether all work that can be handled now is done: read, or its reader is off; written, hidden, or its writer is off. */
  const isIdle = async (drill: Drill) => {
    if (running > 0) return false;
    const status = await stack.status();
    const read =
      status.received - status.duplicate >= expected() || paused.has(drill.mapping('aggregator').logicalId);
    if (!read) return false;
    if (status.inFlight === 0 || paused.has(drill.mapping('writer').logicalId)) return true;
    await sampleQueues(stack.template, stack.endpoints.sqs, points, clock.nowMs());
    return visible() === 0 && running === 0;
  };

  let number = -WARM_UP_MINUTES;
  const drill: Drill = {
    ...{ stack, oracle, producers, watch, points, clock, expected },
    tally: (...args) => tallyOutput([...args, '--url', stack.url]),
    minute: async ({ requests = 10, patienceMs = PATIENCE_MS } = {}) => {
      const nowMs = clock.nowMs();
      const due = stack.scheduled.filter(({ intervalMs }) => minuteOf(nowMs) % intervalMs === 0);
      const scheduled = due.map(({ run }) => run(nowMs));
      const traffic = await producers.minute(requests, nowMs);
      await Promise.all(scheduled);
      const until = performance.now() + patienceMs;
      while (performance.now() < until && !(await isIdle(drill).catch(() => false))) await pause(100);
      await sampleQueues(stack.template, stack.endpoints.sqs, points, clock.nowMs());
      toNextMinute(clock);
      number += 1;
      const changes = number > 0 ? watch.evaluate(minuteOf(clock.nowMs())) : [];
      return { number, traffic, changes };
    },
    mapping: (noun) => {
      const mapping = stack.mappings.find(({ logicalId }) => fedNoun(stack.template, logicalId) === noun);
      if (mapping === undefined) throw new Error(`no mapping feeds the ${noun}`);
      return {
        ...mapping,
        pause: async () => {
          paused.add(mapping.logicalId);
          await mapping.pause();
        },
        resume: () => {
          paused.delete(mapping.logicalId);
          mapping.resume();
        },
      };
    },
    nameOf: (type, word) => {
      const found = stack.template.ofType(type).filter(({ logicalId }) => logicalId.includes(word));
      const [only] = found;
      if (only === undefined || found.length > 1)
        throw new Error(`${found.length} resources ${type} with ${word}`);
      return nameOf(only);
    },
    stop: stack.stop,
  };
  try {
    for (let warm = 0; warm < WARM_UP_MINUTES; warm += 1) await drill.minute();
  } catch (error) {
    await drill.stop();
    throw error;
  }
  return drill;
}

function toNextMinute(clock: LocalClock): void {
  clock.forward(MINUTE_MS - (clock.nowMs() % MINUTE_MS));
}

function minuteOf(ms: number): number {
  return ms - (ms % MINUTE_MS);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** How many of the canary's records the stream accepted in a call. */
function canaryRecords({ caller, action, answer }: ObservedCall): number {
  if (!caller.startsWith('function Canary') || action !== 'PutRecords' || answer.status !== 200) return 0;
  const records = asList(asObject(parseJson(answer.body))['Records']).map(asObject);
  return records.filter(({ ErrorCode }) => ErrorCode === undefined || ErrorCode === null).length;
}
