// A drill: a local stack whose clock advances minute by minute, with traffic, alarms, and an oracle that keeps its own counts.
import { setTimeout as pause } from 'node:timers/promises';
import { MINUTE_MS } from '../../lambdas/core/time.ts';
import { addEmbeddedMetrics, createDataPoints } from '../../local/alarms/data-points.ts';
import { publishServiceMetrics, sampleQueues } from '../../local/alarms/service-metrics.ts';
import { readAlarms } from '../../local/alarms/template-alarms.ts';
import { watchAlarms } from '../../local/alarms/watch.ts';
import { createClock, type LocalClock } from '../../local/clock.ts';
import { asList, asObject, type Json, parseJson } from '../../local/json.ts';
import { type ObservedCall, StackObserver } from '../../local/observer.ts';
import { startLocalStack } from '../../local/stack.ts';
import { rollupQueueIn } from '../../local/template/names.ts';
import { readTemplate } from '../../local/template/template.ts';
import { minuteOf } from '../oracle/truth.ts';
import { Random } from '../simulation/random.ts';
import { tallyOutput } from '../tally.ts';
import { Oracle } from './oracle.ts';
import { createProducers } from './producers.ts';

/** Minutes before alarms are watched: a new stack has no data yet. */
const WARM_UP_MINUTES = 6;
/** How long a minute waits for work that can still be handled. */
const PATIENCE_MS = 15_000;

/** Options of one minute. */
export interface MinuteOptions {
  /** New requests of the producers; ten by default. */
  readonly requests?: number;
  /** How long to wait for work that can still be handled; shorter while something is broken. */
  readonly patienceMs?: number;
}

/** A drill in progress. */
export type Drill = Awaited<ReturnType<typeof startDrill>>;

/** Starts a drill. @param template the template to deploy */
export async function startDrill(template: Json, observer = new StackObserver()) {
  const clock = createClock();
  const points = createDataPoints();
  // Names do not depend on ports, except queue URLs, which no alarm uses.
  const read = readTemplate(template, { queueEndpoint: '' });
  const watch = watchAlarms(readAlarms(read), points);
  publishServiceMetrics(observer, read, points, clock.nowMs);
  /** Invocations that are going on, and records of the canary that the stream took. */
  let [running, canaryEvents] = [0, 0];
  observer.on('functionStarted', () => {
    running += 1;
  });
  observer.on('functionEnded', () => {
    running -= 1;
  });
  observer.on('serviceCalled', (call) => {
    canaryEvents += canaryRecords(call);
  });
  toNextMinute(clock);
  const stack = await startLocalStack({
    template,
    schedules: false,
    clock,
    observer,
    onProblem: (message) => process.stderr.write(`${message}\n`),
    onFunctionOutput: (_, line) => addEmbeddedMetrics(line, points),
  });
  const oracle = new Oracle();
  const random = new Random('drill');
  const producers = createProducers(stack.url, oracle, () => random.next());
  const QueueName = rollupQueueIn(stack.template).name;
  const paused = new Set<string>();

  /** All events sent: those of the oracle, and the canary's. */
  const expected = () => oracle.events + canaryEvents;

  /** The mapping that feeds a function, by the function's noun. */
  const mapping = (noun: string) => {
    const found = stack.mappings.find(({ feeds }) => feeds === noun);
    if (found === undefined) throw new Error(`no mapping feeds the ${noun}`);
    return {
      pause: async () => {
        paused.add(noun);
        await found.pause();
      },
      resume: () => {
        paused.delete(noun);
        found.resume();
      },
    };
  };

  /** Whether all work that can be handled now is done: read, or its reader is off; written, hidden, or its writer is off. */
  const isIdle = async () => {
    if (running > 0) return false;
    const { received, duplicate, inFlight } = await stack.status();
    if (received - duplicate < expected() && !paused.has('aggregator')) return false;
    if (inFlight === 0 || paused.has('writer')) return true;
    const nowMs = clock.nowMs();
    await sampleQueues(stack.template, stack.endpoints.sqs, points, nowMs);
    const name = 'ApproximateNumberOfMessagesVisible';
    const visible = { namespace: 'AWS/SQS', name, dimensions: { QueueName } };
    return points.statistic(visible, 'Minimum', nowMs - 1_000, nowMs + 1) === 0 && running === 0;
  };

  let number = -WARM_UP_MINUTES;
  const drill = {
    ...{ stack, oracle, producers, watch, points, clock, expected, mapping },
    /** Runs `npx tally … --url URL`. @returns what it prints @throws when it fails */
    tally: (...args: readonly string[]) => tallyOutput([...args, '--url', stack.url]),
    /**
     * Plays a minute: schedules, traffic, and all work that can be handled; then advances the clock
     * to the next whole minute.
     * @returns the alarms that changed
     */
    minute: async ({ requests = 10, patienceMs = PATIENCE_MS }: MinuteOptions = {}) => {
      const nowMs = clock.nowMs();
      const due = stack.scheduled.filter(({ intervalMs }) => minuteOf(nowMs) % intervalMs === 0);
      const scheduled = due.map(({ run }) => run(nowMs));
      await producers.minute(requests, nowMs);
      await Promise.all(scheduled);
      const until = performance.now() + patienceMs;
      while (performance.now() < until && !(await isIdle().catch(() => false))) await pause(100);
      await sampleQueues(stack.template, stack.endpoints.sqs, points, clock.nowMs());
      toNextMinute(clock);
      number += 1;
      return number > 0 ? watch.evaluate(minuteOf(clock.nowMs())) : [];
    },
    /** The physical name of the one resource of a type whose logical id contains a word. */
    nameOf: (type: string, word: string) => {
      const found = stack.template.ofType(type).filter(({ logicalId }) => logicalId.includes(word));
      const [only] = found;
      if (only === undefined || found.length > 1)
        throw new Error(`${found.length} resources ${type} with ${word}`);
      return only.name;
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

/** How many of the canary's records the stream accepted in a call. */
function canaryRecords({ caller, action, answer }: ObservedCall): number {
  if (!caller.startsWith('function Canary') || action !== 'PutRecords' || answer.status !== 200) return 0;
  const records = asList(asObject(parseJson(answer.body))['Records']).map(asObject);
  return records.filter(({ ErrorCode }) => ErrorCode === undefined || ErrorCode === null).length;
}
