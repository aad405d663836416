// One Lambda function: as many containers as its concurrency requires, kept warm between invocations.
import { randomUUID } from 'node:crypto';
import type { ClockOffset } from '../clock.ts';
import { type Container, type InvocationOutcome, type OutputListener, startContainer } from './container.ts';

/** A function's definition in the template. */
export interface FunctionDefinition {
  readonly name: string;
  readonly arn: string;
  /** Absolute path of the handler's source. */
  readonly entry: string;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  /** Maximum containers; further invocations wait for one. */
  readonly concurrencyMax: number;
  readonly environment: Readonly<Record<string, string>>;
}

/** A function that can be invoked. */
export interface LocalFunction {
  readonly definition: FunctionDefinition;
  /** Runs the handler with an event (any JSON value). Never rejects: errors are outcomes, as in Lambda. */
  invoke(event: unknown): Promise<InvocationOutcome>;
  /** Starts a container if there is none: a queue's messages are hidden for a limited time only, including loading. */
  warm(): void;
  /** Kills every container in the middle of its work; its invocation fails like one whose process ended. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** Lambda's limit for the payload of an invocation, and of its response. */
const payloadBytesMax = 6 * 1024 * 1024;

/** The error type of an invocation with a larger event. */
export const requestTooLarge = 'RequestTooLargeException';

/** Creates a function; containers start on demand. @param clock the stack's clock; by default the machine's */
export function createFunction(
  definition: FunctionDefinition,
  onOutput: OutputListener,
  clock?: ClockOffset,
): LocalFunction {
  const idle: Container[] = [];
  const running = new Set<Container>();
  const waiting: ((container: Container | undefined) => void)[] = [];
  let stopped = false;

  const start = () => {
    const { entry, name, arn, memoryMb, environment } = definition;
    const container = startContainer(
      { entry, functionName: name, functionArn: arn, memoryMb, ...(clock === undefined ? {} : { clock }) },
      environment,
      onOutput,
    );
    running.add(container);
    return container;
  };

  const take = (): Container | undefined | Promise<Container | undefined> => {
    if (stopped) return undefined;
    const warm = idle.pop();
    if (warm !== undefined) return warm;
    if (running.size < definition.concurrencyMax) return start();
    return new Promise((resolve) => waiting.push(resolve));
  };

  const giveBack = (container: Container) => {
    if (!container.usable) running.delete(container);
    if (stopped) return;
    const next = waiting.shift();
    if (next !== undefined) next(container.usable ? container : start());
    else if (container.usable) idle.push(container);
  };

  return {
    definition,
    invoke: async (event) => {
      const payload = JSON.stringify(event);
      if (Buffer.byteLength(payload) > payloadBytesMax) return tooLarge('Request', requestTooLarge);
      const container = await take();
      if (container === undefined) {
        return { ok: false, error: { errorType: 'Stopped', errorMessage: 'The stack is stopping.' } };
      }
      try {
        const outcome = await container.invoke(randomUUID(), payload, definition.timeoutMs);
        return outcome.ok && outcome.payload.length > payloadBytesMax
          ? tooLarge('Response', 'Function.ResponseSizeTooLarge')
          : outcome;
      } finally {
        giveBack(container);
      }
    },
    warm: () => {
      if (!stopped && running.size === 0) idle.push(start());
    },
    kill: async () => {
      const busy = [...running].filter((container) => !idle.includes(container));
      await Promise.all(busy.map((container) => container.stop()));
    },
    stop: async () => {
      stopped = true;
      for (const resolve of waiting.splice(0)) resolve(undefined);
      await Promise.all([...running].map((container) => container.stop()));
    },
  };
}

function tooLarge(what: 'Request' | 'Response', errorType: string): InvocationOutcome {
  return {
    ok: false,
    error: {
      errorType,
      errorMessage: `${what} payload size exceeded maximum allowed payload size (${payloadBytesMax} bytes).`,
    },
  };
}
