// A local stack for operators' commands: its writers can be made to fail, and commands run as separate processes.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { after } from 'node:test';
import { createClock } from '../../local/clock.ts';
import type { Ended } from './command-process.ts';
import { tally } from './commands.ts';
import { metricsIn } from './embedded-metrics.ts';
import { invoked, post, resourceIn, startTestStack, viewsOf } from './local-stack.ts';

const ROOT = join(import.meta.dirname, '../..');
const THROTTLED = {
  status: 400,
  headers: { 'content-type': 'application/x-amz-json-1.0' },
  body: '{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"slow down"}',
};

/** Starts a stack without schedules; to be awaited at the top of a test file, stopped after its tests. */
export async function startOperatedStack() {
  /** Sums of metrics by `function Name`. */
  const metrics = new Map<string, number>();
  const clock = createClock();
  const stack = await startTestStack({
    clock,
    faults: true,
    onFunctionOutput: (_, line) => addMetrics(metrics, line),
  });
  const children = new Set<ChildProcess>();
  after(async () => {
    for (const child of children) child.kill('SIGKILL');
  });

  /** Starts a command as a process, to be killed. */
  function start(...args: readonly string[]): ChildProcess {
    const all = ['bin/tally.ts', ...args, '--url', stack.url];
    const child = spawn(process.execPath, all, { cwd: ROOT, stdio: 'ignore' });
    children.add(child);
    return child;
  }

  return {
    stack,
    /** The stack's clock: what waits for a time need not wait. */
    clock,
    metrics,
    start,
    /** Runs a command on the stack to its end, by the stack's clock. */
    run: (...args: string[]): Promise<Ended> =>
      tally([...args, '--url', stack.url], undefined, clock.nowMs() - Date.now()),

    /** Makes every write of a delta fail, while reads work; or lets them pass again. */
    countersFail(fail: boolean): void {
      const name = resourceIn(stack, 'AWS::DynamoDB::Table', 'Counters');
      stack.setFault(
        fail
          ? ({ action, body }) => (action === 'PutItem' && body.includes(name) ? THROTTLED : 'pass')
          : undefined,
      );
    },

    post: (events: readonly object[]) => post(stack.url, events),

    total: (entity: string) => viewsOf(stack.url, entity),

    /** Runs the redriver. */
    redrive: () => invoked(stack, 'redriver'),
  };
}

/** Adds up the values of a line in embedded metric format. */
function addMetrics(metrics: Map<string, number>, line: string): void {
  for (const { name, dimensions, values } of metricsIn(line)) {
    const key = `${dimensions['service']} ${name}`;
    metrics.set(key, (metrics.get(key) ?? 0) + values.reduce((sum, each) => sum + each, 0));
  }
}
