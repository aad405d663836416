// Faults of service calls, and a proxy between functions and a service that gives them effect.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { listen } from '../listening.ts';
import { callerIn, type ObservedCall, type StackObserver } from '../observer.ts';
import { exchange, type RawAnswer } from './aws-json.ts';
import type { Endpoints } from './emulators.ts';

/** A function's call of a service, or the API's own. */
export type ServiceCall = Omit<ObservedCall, 'answer'>;

/** A call's fate: it passes, or it is executed but its answer is lost, or it gets this answer instead. */
export type ServiceFault = (call: ServiceCall) => Fate | Promise<Fate>;
type Fate = 'pass' | 'lose-answer' | RawAnswer;

/** Decides on every call; sees each answered one. */
export interface CallWatch {
  readonly fault: () => ServiceFault | undefined;
  readonly observer?: StackObserver | undefined;
}

/** Answers a call as its fault decides. @returns undefined if the answer is lost */
export async function answerCall<Answer extends { readonly status: number; readonly body: string | Buffer }>(
  { fault, observer }: CallWatch,
  call: ServiceCall,
  send: () => Promise<Answer>,
): Promise<Answer | RawAnswer | undefined> {
  const fate = (await fault()?.(call)) ?? 'pass';
  const answer = typeof fate === 'object' ? fate : await send();
  const { status, body } = answer;
  observer?.emit('serviceCalled', { ...call, answer: { status, body: body.toString() } });
  return fate === 'lose-answer' ? undefined : answer;
}

/** Listens in front of a service. */
export async function startFaultProxy(service: keyof Endpoints, target: string, watch: CallWatch) {
  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { method, url: path, headers } = incoming;
    const body = await buffer(incoming);
    const named = String(headers['x-amz-target'] ?? '');
    const action = named === '' ? `${method} ${path}` : named.slice(named.indexOf('.') + 1);
    const call = { caller: callerIn(headers.authorization), service, action, body: body.toString() };
    const answer = await answerCall(watch, call, () => exchange(target, { method, path, headers }, body));
    if (answer === undefined) outgoing.destroy();
    else outgoing.writeHead(answer.status, answer.headers).end(answer.body);
  };

  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch(() => outgoing.destroy());
  });
  return listen(server);
}
