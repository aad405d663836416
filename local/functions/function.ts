// One Lambda function: as many containers as its concurrency requires, kept warm between invocations.
import { randomUUID } from 'node:crypto';
import pLimit from 'p-limit';
import type { ClockOffset } from '../clock.ts';
import { type Container, startContainer } from './container.ts';
import type { FunctionDefinition, InvocationOutcome } from './protocol.ts';

/** A function that can be invoked. */
export type LocalFunction = ReturnType<typeof createFunction>;

/** Lambda's limit for the payload of an invocation, and of its response. */
const payloadBytesMax = 6 * 1024 * 1024;

/** The error type of an invocation with a larger event. */
export const requestTooLarge = 'RequestTooLargeException';

/** Creates a function; containers start on demand. @param clock the stack's clock; by default the machine's */
export function createFunction(
  definition: FunctionDefinition,
  onOutput: (line: string) => void,
  clock?: ClockOffset,
) {
  const limit = pLimit(definition.concurrencyMax);
  const containers = new Set<Container>();
  const idle: Container[] = [];
  let stopped = false;

  const start = () => {
    const container = startContainer(definition, onOutput, clock);
    containers.add(container);
    return container;
  };

  const run = async (event: string): Promise<InvocationOutcome> => {
    if (stopped) return refused('Stopped', 'The stack is stopping.');
    const container = idle.pop() ?? start();
    const outcome = await container.invoke(randomUUID(), event);
    if (container.usable()) idle.push(container);
    else containers.delete(container);
    return outcome;
  };

  return {
    definition,
    /** Runs the handler with an event (any JSON value). Never rejects: errors are outcomes, as in Lambda. */
    invoke: async (event: unknown): Promise<InvocationOutcome> => {
      const payload = JSON.stringify(event);
      if (Buffer.byteLength(payload) > payloadBytesMax) return tooLarge('Request', requestTooLarge);
      const outcome = await limit(run, payload);
      return outcome.ok && outcome.payload.length > payloadBytesMax
        ? tooLarge('Response', 'Function.ResponseSizeTooLarge')
        : outcome;
    },
    /** Starts a container if there is none: a queue's messages are hidden for a limited time only, including loading. */
    warm: (): void => {
      if (!stopped && containers.size === 0) idle.push(start());
    },
    /** Kills every container in the middle of its work; its invocation fails like one whose process ended. */
    kill: async (): Promise<void> => {
      const busy = [...containers].filter((container) => !idle.includes(container));
      await Promise.all(busy.map((container) => container.stop()));
    },
    stop: async (): Promise<void> => {
      stopped = true;
      await Promise.all([...containers].map((container) => container.stop()));
    },
  };
}

function tooLarge(what: 'Request' | 'Response', errorType: string): InvocationOutcome {
  const limit = `maximum allowed payload size (${payloadBytesMax} bytes)`;
  return refused(errorType, `${what} payload size exceeded ${limit}.`);
}

function refused(errorType: string, errorMessage: string): InvocationOutcome {
  return { ok: false, error: { errorType, errorMessage } };
}
