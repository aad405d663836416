// A local stack with its console, a browser, and helpers for both.
import { after } from 'node:test';
import type { Browser } from 'playwright-core';
import { type LocalStack, type LocalStackOptions, startLocalStack } from '../../../local/stack.ts';
import { readStatus } from '../../../local/status.ts';
import { post } from '../../support/local-stack.ts';
import { startBrowser } from './browser.ts';

/** An event as it is posted. */
export interface PostedEvent {
  readonly id?: string;
  readonly metric: string;
  readonly entity: string;
  readonly at?: string;
  readonly n?: number;
}

/** The context of a file of browser tests. Without a browser there is no stack either. */
export interface ConsoleStack {
  readonly browser: Browser | undefined;
  readonly stack: LocalStack;
  /** Why the tests are skipped. */
  readonly skip: string | false;
}

/** Starts both, and stops them after the file's tests. */
export async function startConsoleStack(options: LocalStackOptions = {}): Promise<ConsoleStack> {
  const browser = await startBrowser();
  if (typeof browser === 'string') {
    return { browser: undefined, stack: undefined as unknown as LocalStack, skip: browser };
  }
  after(() => browser.close());
  const stack = await startLocalStack({ schedules: false, ...options });
  after(() => stack.stop());
  return { browser, stack, skip: false };
}

/** Posts events, and waits until all events posted so far are counted. */
export async function countEvents(stack: LocalStack, events: readonly PostedEvent[]): Promise<void> {
  for (let first = 0; first < events.length; first += 500) {
    await post(stack.url, events.slice(first, first + 500));
  }
  await settled(stack);
}

/** Resolves when nothing is in flight. */
export async function settled(stack: LocalStack): Promise<void> {
  for (;;) {
    const { accepted, unread, inFlight } = await readStatus(stack.url);
    if (accepted > 0 && unread === 0 && inFlight === 0) return;
  }
}
