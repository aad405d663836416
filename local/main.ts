// The local stack as a process, started by `npx tally start`: runs until Ctrl-C, and prints its status every few seconds.
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Demo, startDemo } from './demo.ts';
import { LocalStackError } from './errors.ts';
import { asObject, parseJson } from './json.ts';
import { type LocalStack, startLocalStack } from './stack.ts';
import { statusLine } from './status.ts';

/** Interval of status lines; a line that is overwritten is updated more often. */
const statusMs = 5_000;
const lineMs = 1_000;

/** The terminal and npm both pass on the same Ctrl-C: only a later one counts as the second. */
const sameKeyMs = 500;

// Lambda's time zone, which threads inherit.
process.env['TZ'] = 'UTC';

/** The API's default port. */
const PORT = 8787;

// `cli/start.ts` has validated and documented them.
const { values: options } = parseArgs({
  options: {
    port: { type: 'string' },
    data: { type: 'string' },
    logs: { type: 'string' },
    settings: { type: 'string', default: '{}' },
    'no-demo': { type: 'boolean', default: false },
  },
});
const wantsDemo = !options['no-demo'] && options.data === undefined;

const stopping = new AbortController();
const { signal } = stopping;
listenForSignals();
try {
  await run();
} catch (error) {
  // An error while stopping is one of its own.
  const isStop = signal.aborted && !(error instanceof SuppressedError);
  const problem: unknown = isStop ? signal.reason : error;
  const isWanted = problem instanceof Error && problem.name === 'AbortError';
  if (!isWanted) {
    process.exitCode = 1;
    console.error(problem instanceof LocalStackError ? problem.message : problem);
  }
}

/** Runs the stack until it is stopped; then throws. */
async function run(): Promise<void> {
  // Stops in reverse order of starting.
  await using stops = new AsyncDisposableStack();
  const logs = options.logs === undefined ? undefined : await openLogs(options.logs);
  stops.defer(() => void logs?.end());
  let demo: Demo | undefined;
  console.log('Starting …');
  const stack = await startLocalStack({
    port: Number(options.port ?? PORT),
    orNextFreePort: options.port === undefined,
    ...(options.data !== undefined && { dataDir: options.data }),
    settings: asObject(parseJson(options.settings)),
    controls: { demo: () => demo },
    signal,
    onProblem: console.error,
    onCrash: (error) => stopping.abort(error),
    onFunctionOutput: (name, line) => {
      logs?.write(`${name} ${line}\n`);
      if (isErrorLine(line)) console.error(`${name}: ${line}`);
    },
  });
  stops.defer(stack.stop);
  console.log(`Tally is ready: ${stack.url}`);
  console.log(welcome(stack.url));
  if (wantsDemo) demo = startDemo(stack.url, console.error);
  stops.defer(() => demo?.stop());
  await reportUntilStopped(stack);
}

function welcome(url: string): string {
  return `
  Console  ${url}/
  Count    curl -s ${url}/v1/events -H 'content-type: application/json' -d '{"events":[{"metric":"play","entity":"/videos/42"}]}'
  Ask      curl -s ${url}/v1/counts/play/%2Fvideos%2F42
${wantsDemo ? '\nA demo sends an hour of history, then some 12 events a second, some of them twice.\n' : ''}`;
}

/** Prints the stack's status: on a terminal, one line that is overwritten, otherwise a line for each change. */
async function reportUntilStopped(stack: LocalStack): Promise<never> {
  let last = '';
  const stays = process.stdout.isTTY === true;
  try {
    for (;;) {
      await sleep(stays ? lineMs : statusMs, undefined, { signal });
      const line = await stack.status().then(statusLine, (error: Error) => {
        if (!signal.aborted) console.error(`no status: ${error.message}`);
        return last;
      });
      // An idle stack prints nothing.
      if (line !== last) process.stdout.write(stays ? `\r\x1b[2K${line}` : `${line}\n`);
      last = line;
    }
  } finally {
    if (stays) console.log('');
  }
}

function listenForSignals(): void {
  let first: number | undefined;
  const onSignal = () => {
    const now = performance.now();
    if (first === undefined) {
      first = now;
      console.log('Stopping …');
      stopping.abort();
    } else if (now - first > sameKeyMs) {
      process.exit(130);
    }
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, onSignal);
}

async function openLogs(path: string): Promise<WriteStream> {
  const stream = createWriteStream(path, { flags: 'a' });
  await once(stream, 'open').catch(({ message }: Error) => {
    throw new LocalStackError(`Cannot write ${path}: ${message}`);
  });
  // A full disk must not end the stack.
  return stream.on('error', () => {});
}

/** A structured log line of level ERROR or above, or one that is not structured at all. */
function isErrorLine(line: string): boolean {
  return line.startsWith('{') ? /"level":"(ERROR|CRITICAL)"/.test(line) : line.trim() !== '';
}
