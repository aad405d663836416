// The routes of the local stack alone: faults, and the demo.
import { apiUrl } from './place.ts';

/** A switch of "Break it". */
export interface Fault {
  readonly name: string;
  readonly title: string;
  readonly expect: string;
  readonly once: boolean;
  readonly on: boolean;
}

/** What the demo has sent. Without a demo, only `running`. */
export interface DemoState {
  readonly running: boolean;
  readonly metric?: string;
  readonly accepted?: number;
  readonly repeated?: number;
  readonly sent?: Readonly<Record<string, number>>;
}

type Faults = Readonly<Record<'faults', readonly Fault[]>>;

export const readFaults = (signal?: AbortSignal) => call<Faults>('faults', undefined, signal);
export const setFault = (name: string, on: boolean) => call<Faults>('faults', { name, on });
export const readDemo = (signal?: AbortSignal) => call<DemoState>('demo', undefined, signal);
export const runDemo = (running: boolean) => call<DemoState>('demo', { running });

async function call<T>(route: string, body?: object, signal?: AbortSignal): Promise<T> {
  const answer = await fetch(`${apiUrl}/_local/${route}`, {
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
    signal: signal ?? null,
  });
  if (!answer.ok) throw new Error(`/_local/${route}: ${answer.status}`);
  return (await answer.json()) as T;
}
