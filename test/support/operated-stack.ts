// A local stack for operators' commands: its writers can be made to fail, and commands run as separate processes.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { after } from 'node:test';
import { startTestStack } from './local-stack.ts';

const ROOT = join(import.meta.dirname, '../..');
const THROTTLED = {
  status: 400,
  headers: { 'content-type': 'application/x-amz-json-1.0' },
  body: '{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"slow down"}',
};

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Starts a stack without schedules; to be awaited at the top of a test file, stopped after its tests. */
export async function startOperatedStack() {
  /** Sums of metrics by `function Name`. */
  const metrics = new Map<string, number>();
  const stack = await startTestStack({
    faults: true,
    onFunctionOutput: (_, line) => addMetrics(metrics, line),
  });
  const children = new Set<ChildProcess>();
  after(async () => {
    for (const child of children) child.kill('SIGKILL');
  });

  /** Starts a command. */
  function start(command: 'dead-letters' | 'parameter', args: readonly string[]) {
    const child = spawn(process.execPath, ['bin/tally.ts', command, ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.add(child);
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    const ended = new Promise<Ended>((resolve) => {
      child.once('close', (code) => {
        children.delete(child);
        resolve({ code, out, err });
      });
    });
    return { child, ended };
  }

  return {
    stack,
    metrics,
    start,
    /** Runs a command on the stack to its end. */
    run: (command: 'dead-letters' | 'parameter', ...args: string[]) =>
      start(command, [...args, '--url', stack.url]).ended,

    /** Makes every write of a delta fail, while reads work; or lets them pass again. */
    countersFail(fail: boolean): void {
      const counters = stack.template
        .ofType('AWS::DynamoDB::Table')
        .find((t) => /Counters/.test(t.logicalId));
      const name = stack.ref(counters?.logicalId ?? '');
      stack.setFunctionFault(
        fail
          ? ({ action, body }) => (action === 'PutItem' && body.includes(name) ? THROTTLED : 'pass')
          : undefined,
      );
    },

    async post(events: readonly object[]): Promise<void> {
      const answer = await fetch(`${stack.url}/v1/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ events }),
      });
      assert.equal(answer.status, 202);
    },

    async total(entity: string): Promise<number> {
      const answer = await fetch(`${stack.url}/v1/counts/view/${encodeURIComponent(entity)}?by=total`);
      return ((await answer.json()) as { total: number }).total;
    },

    /** `POST /v1/admin/redrive`. */
    async redrive(body?: string) {
      const headers = { authorization: 'AWS4-HMAC-SHA256 Credential=local, SignedHeaders=host, Signature=0' };
      const init = { method: 'POST', headers, ...(body !== undefined && { body }) };
      const answer = await fetch(`${stack.url}/v1/admin/redrive`, init);
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
    },
  };
}

/** Adds up the values of a line in embedded metric format. */
function addMetrics(metrics: Map<string, number>, line: string): void {
  if (!line.includes('"_aws"')) return;
  const record = JSON.parse(line) as Record<string, unknown>;
  for (const [name, value] of Object.entries(record)) {
    const values = [value].flat().filter((each) => typeof each === 'number');
    const key = `${record['service']} ${name}`;
    metrics.set(key, (metrics.get(key) ?? 0) + values.reduce((sum, each) => sum + each, 0));
  }
}
