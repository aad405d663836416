// A cold start on this machine: a fresh Node process with a function's environment and nothing else, one module, one event.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

export type ColdStart = Awaited<ReturnType<typeof coldStart>>;

/**
 * The program as text, since stripping types would be measured, too. It answers on a separate pipe, since functions write to stdout.
 * The SDK loads `node:http` (and with it Node's `fetch`) for the first request without TLS, which functions on AWS never make.
 */
const PROGRAM = `
await import('node:http');
const startedMs = performance.timeOrigin + performance.now();
const { writeSync } = await import('node:fs');
const [entry, event, askedMs] = process.argv.slice(1);
const { handler } = entry === '' ? { handler: () => null } : await import(entry);
const loadedMs = performance.timeOrigin + performance.now();
const endMs = loadedMs + 60_000;
const answer = await handler(JSON.parse(event), {
  awsRequestId: 'a-request',
  functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
  functionVersion: '$LATEST',
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:cold',
  memoryLimitInMB: '512',
  getRemainingTimeInMillis: () => endMs - Date.now(),
});
const handledMs = performance.timeOrigin + performance.now();
const times = { startedMs, loadedMs, handledMs };
for (const step of Object.keys(times)) times[step] -= askedMs;
writeSync(3, JSON.stringify({ ...times, answer }));
process.exit();
`;

/**
 * Starts a process and makes it handle one event: it runs its first line, has loaded the module and its imports, has handled the event.
 * @param entry absolute path of a module that exports a `handler`; undefined for a process without a module
 * @param environment all of its variables
 * @returns when each step was reached, in milliseconds after the process was requested, and what it answered and wrote
 * @throws Error with its output, if it ends without an answer
 */
export async function coldStart(
  entry: string | undefined,
  environment: Readonly<Record<string, string>>,
  event: unknown,
) {
  const askedMs = performance.timeOrigin + performance.now();
  const handed = [entry ?? '', JSON.stringify(event), String(askedMs)];
  const args = ['--input-type=module', '--eval', PROGRAM, '--', ...handed];
  const child = spawn(process.execPath, args, {
    env: { ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  }) as ChildProcessByStdio<null, Readable, Readable>;
  const closed = once(child, 'close');
  const [answer, ...wrote] = await Promise.all(
    [child.stdio[3] as Readable, child.stdio[1], child.stdio[2]].map((each) => text(each)),
  );
  const [code] = await closed;
  if (code !== 0 || answer === undefined || answer === '')
    throw new Error(`${entry} ended with ${String(code)} and without an answer: ${wrote.join('')}`);
  const steps: Record<'startedMs' | 'loadedMs' | 'handledMs', number> & { answer: unknown } =
    JSON.parse(answer);
  return { ...steps, output: wrote.join('') };
}
