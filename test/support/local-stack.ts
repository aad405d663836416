// A local stack for a test file: without schedules, from a template that is kept, and stopped after the file's tests.
import assert from 'node:assert/strict';
import { after } from 'node:test';
import type { Json } from '../../local/json.ts';
import { type LocalStack, type LocalStackOptions, startLocalStack } from '../../local/stack.ts';
import type { Status } from '../../local/status.ts';
import { until } from './patience.ts';
import { templateJson } from './stack-template.ts';

/** Starts it; to be awaited at the top of a test file. */
export async function startTestStack({ settings, ...options }: LocalStackOptions = {}): Promise<LocalStack> {
  const template = templateJson('local', settings) as unknown as Json;
  const stack = await startLocalStack({ schedules: false, template, ...options });
  after(() => stack.stop());
  return stack;
}

/** Waits until at least `received` events have arrived, and none is in flight. */
export async function settled(stack: LocalStack, received: number): Promise<Status> {
  let status = await stack.status();
  await until(async () => {
    status = await stack.status();
    return status.received >= received && status.inFlight === 0;
  });
  return status;
}

/** Invokes a function by its noun. @returns its answer */
export async function invoked(stack: LocalStack, noun: string): Promise<unknown> {
  const found = stack.functions.all.find(({ definition }) => definition.name.toLowerCase().includes(noun));
  assert.ok(found, `no function ${noun}`);
  const outcome = await stack.invoke(found.definition.name, {});
  assert.ok(outcome.ok, JSON.stringify(outcome));
  return JSON.parse(outcome.payload);
}
