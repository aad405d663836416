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

/** Waits until at least `counted` events are counted, and none is in flight. */
export async function untilCounted(stack: LocalStack, counted: number): Promise<void> {
  await until(async () => {
    const status = await stack.status();
    return status.counted >= counted && status.inFlight === 0;
  });
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

/** Posts events, all of which must be accepted. @param fetch of a test that validates every answer */
export async function post(url: string, events: readonly object[], fetch = globalThis.fetch): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const init = { method: 'POST', headers, body: JSON.stringify({ events }) };
  const answer = await fetch(`${url}/v1/events`, init);
  assert.equal(answer.status, 202, await answer.text());
}

/** How often an entity was viewed. */
export async function viewsOf(url: string, entity: string, fetch = globalThis.fetch): Promise<number> {
  const answer = await fetch(`${url}/v1/counts/view/${encodeURIComponent(entity)}?by=total`);
  return ((await answer.json()) as { total: number }).total;
}

/** The name or URL of the one resource of a type whose logical id has a word. */
export function resourceIn(stack: LocalStack, type: string, word = ''): string {
  const found = stack.template.ofType(type).find(({ logicalId }) => logicalId.includes(word));
  assert.ok(found, `no ${type} ${word}`);
  return found.ref;
}

/** Invokes a function by its noun. @returns its answer */
export async function invoked(stack: LocalStack, noun: string): Promise<unknown> {
  const found = stack.functions.all.find(({ definition }) => definition.name.toLowerCase().includes(noun));
  assert.ok(found, `no function ${noun}`);
  const outcome = await stack.invoke(found.definition.name, {});
  assert.ok(outcome.ok, JSON.stringify(outcome));
  return JSON.parse(outcome.payload);
}
