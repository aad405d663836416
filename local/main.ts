// The local stack as a process, started by `npx tally start`: runs until Ctrl-C, and prints its status every few seconds.
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

try {
  await run();
} catch (error) {
  process.exitCode = 1;
  console.error(error instanceof LocalStackError ? error.message : error);
}

async function run(): Promise<void> {
  const stopping = new AbortController();
  listenForSignals(stopping);
  const logs = options.logs === undefined ? undefined : await openLogs(options.logs);
  let stack: LocalStack | undefined;
  let demo: Demo | undefined;
  try {
    console.log('Starting …');
    stack = await startLocalStack({
      port: Number(options.port ?? PORT),
      orNextFreePort: options.port === undefined,
      ...(options.data !== undefined && { dataDir: options.data }),
      settings: asObject(parseJson(options.settings)),
      controls: { demo: () => demo },
      signal: stopping.signal,
      onProblem: console.error,
      onCrash: (error) => stopping.abort(error),
      onFunctionOutput: (name, line) => {
        logs?.write(`${name} ${line}\n`);
        if (isErrorLine(line)) console.error(`${name}: ${line}`);
      },
    });
    console.log(`Tally is ready: ${stack.url}`);
    console.log(welcome(stack.url));
    if (wantsDemo) demo = startDemo(stack.url, console.error);
    await reportUntilStopped(stack, stopping.signal);
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
  } finally {
    await demo?.stop();
    await stack?.stop();
    logs?.end();
  }
  if (stopping.signal.reason instanceof Error && stopping.signal.reason.name !== 'AbortError') {
    throw stopping.signal.reason;
  }
}

function welcome(url: string): string {
  return `
  Console  ${url}/
  Count    curl -s ${url}/v1/events -H 'content-type: application/json' -d '{"events":[{"metric":"play","entity":"/videos/42"}]}'
  Ask      curl -s ${url}/v1/counts/play/%2Fvideos%2F42
${wantsDemo ? '\nA demo sends an hour of history, then some 12 events a second, some of them twice.\n' : ''}`;
}

/** Prints the stack's status: on a terminal, one line that is overwritten, otherwise a line for each change. */
async function reportUntilStopped(stack: LocalStack, signal: AbortSignal): Promise<void> {
  let last = '';
  const stays = process.stdout.isTTY === true;
  while (!signal.aborted) {
    await sleep(stays ? lineMs : statusMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) break;
    try {
      const line = statusLine(await stack.status());
      // An idle stack prints nothing.
      if (line !== last) {
        if (stays) process.stdout.write(`\r\x1b[2K${line}`);
        else console.log(line);
      }
      last = line;
    } catch (error) {
      if (!signal.aborted)
        console.error(`no status: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (stays) console.log('');
}

function listenForSignals(stopping: AbortController): void {
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
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, onSignal);
}

async function openLogs(path: string): Promise<WriteStream> {
  const stream = createWriteStream(path, { flags: 'a' });
  await new Promise<void>((opened, failed) => {
    stream.once('open', () => opened());
    stream.once('error', (error) => failed(new LocalStackError(`Cannot write ${path}: ${error.message}`)));
  });
  return stream;
}

/** A structured log line of level ERROR or above, or one that is not structured at all. */
function isErrorLine(line: string): boolean {
  return line.startsWith('{') ? /"level":"(ERROR|CRITICAL)"/.test(line) : line.trim() !== '';
}
