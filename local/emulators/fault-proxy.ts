// A proxy between functions and a service: a test can refuse a call or lose its answer, and an observer sees who called what.
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { listen } from '../listening.ts';
import { callerIn, type ObservedCall, type StackObserver } from '../observer.ts';
import type { RawAnswer } from './aws-json.ts';
import type { Endpoints } from './emulators.ts';

/** A function's call of a service. */
export interface FunctionCall extends Omit<ObservedCall, 'answer'> {
  readonly service: keyof Endpoints;
}

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
  const agent = new Agent({ keepAlive: true });
  const { hostname, port } = new URL(target);

  const forward = (incoming: IncomingMessage, body: Buffer) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const { method, url: path, headers } = incoming;
      const options = { agent, hostname, port, path: path ?? '/', headers, ...(method && { method }) };
      request(options, resolve).once('error', reject).end(body);
    });

  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const body = await buffer(incoming);
    const named = String(incoming.headers['x-amz-target'] ?? '');
    const action = named === '' ? `${incoming.method} ${incoming.url}` : named.slice(named.indexOf('.') + 1);
    const call: FunctionCall = {
      caller: callerIn(incoming.headers.authorization),
      service,
      action,
      body: body.toString('utf8'),
    };
    const fate = (await fault()?.(call)) ?? 'pass';
    if (typeof fate === 'object') {
      observer?.serviceCalled?.({ ...call, answer: fate });
      outgoing.writeHead(fate.status, fate.headers).end(fate.body);
      return;
    }
    const answer = await forward(incoming, body);
    const status = answer.statusCode ?? 502;
    const bytes = await buffer(answer);
    observer?.serviceCalled?.({ ...call, answer: { status, body: bytes.toString('utf8') } });
    if (fate === 'lose-answer') outgoing.destroy();
    else outgoing.writeHead(status, answer.headers).end(bytes);
  };

  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch(() => outgoing.destroy());
  });
  const { endpoint, stop } = await listen(server);
  return { endpoint, stop: () => stop().finally(() => agent.destroy()) };
}
