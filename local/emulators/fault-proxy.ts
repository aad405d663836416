// A proxy between functions and a service: a test can refuse a call or lose its answer, and an observer sees who called what.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { listen } from '../listening.ts';
import { callerIn, type ObservedCall, type StackObserver } from '../observer.ts';
import { exchange, type RawAnswer } from './aws-json.ts';
import type { Endpoints } from './emulators.ts';

/** A function's call of a service. */
export type FunctionCall = Omit<ObservedCall, 'answer'>;

/** A call's fate: it passes, or it is executed but its answer is lost, or it gets this answer instead. */
export type FunctionFault = (call: FunctionCall) => Fate | Promise<Fate>;
type Fate = 'pass' | 'lose-answer' | RawAnswer;

/** Listens in front of a service. `fault` decides on every call; `observer` sees each answered call. */
export async function startFaultProxy(
  service: keyof Endpoints,
  target: string,
  fault: () => FunctionFault | undefined,
  observer?: StackObserver,
) {
  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { method, url: path, headers } = incoming;
    const body = await buffer(incoming);
    const named = String(headers['x-amz-target'] ?? '');
    const action = named === '' ? `${method} ${path}` : named.slice(named.indexOf('.') + 1);
    const call: FunctionCall = {
      caller: callerIn(headers.authorization),
      service,
      action,
      body: body.toString('utf8'),
    };
    const fate = (await fault()?.(call)) ?? 'pass';
    if (typeof fate === 'object') {
      observer?.emit('serviceCalled', { ...call, answer: fate });
      outgoing.writeHead(fate.status, fate.headers).end(fate.body);
      return;
    }
    const answer = await exchange(target, { method, path, headers }, body);
    const { status } = answer;
    observer?.emit('serviceCalled', { ...call, answer: { status, body: answer.body.toString('utf8') } });
    if (fate === 'lose-answer') outgoing.destroy();
    else outgoing.writeHead(status, answer.headers).end(answer.body);
  };

  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch(() => outgoing.destroy());
  });
  return listen(server);
}
