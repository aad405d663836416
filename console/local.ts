// The local stack's own routes: faults to switch, and the demo. Not there on AWS.
import { apiUrl } from './place.ts';

/** A fault as the stack describes it. */
export interface Fault {
  readonly name: string;
  readonly title: string;
  readonly expect: string;
  readonly once: boolean;
  readonly on: boolean;
}

/** What the demo has sent; without one, only that none is running. */
export interface DemoState {
  readonly running: boolean;
  readonly metric?: string;
  readonly accepted?: number;
  readonly repeated?: number;
  readonly refused?: number;
  readonly sent?: Readonly<Record<string, number>>;
}

export const readFaults = (signal?: AbortSignal) =>
  call<{ faults: readonly Fault[] }>('faults', undefined, signal);
export const setFault = (name: string, on: boolean) =>
  call<{ faults: readonly Fault[] }>('faults', { name, on });
export const readDemo = (signal?: AbortSignal) => call<DemoState>('demo', undefined, signal);
export const runDemo = (running: boolean) => call<DemoState>('demo', { running });

async function call<T>(route: string, body?: object, signal?: AbortSignal): Promise<T> {
  const answer = await fetch(`${apiUrl}/_local/${route}`, {
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
  if (!answer.ok) throw new Error(`/_local/${route}: ${answer.status}`);
  return (await answer.json()) as T;
}
