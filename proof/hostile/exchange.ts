// One exchange over a bare socket: bytes out, strictly parsed answers back, and what every answer must keep.
import { connect, type Socket } from 'node:net';
import { finished } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { fieldsOf, jsonIn } from '../../lambdas/core/json.ts';
import type { HostileRequest } from './requests.ts';

/** What came back: answers as they came over the wire, and any bytes after them. */
export type Exchange = Awaited<ReturnType<typeof exchange>>;
type RawAnswer = Exchange['answers'][number];

/** How a request is written: all at once, or in pieces with pauses. */
interface Writing {
  readonly pieceBytes?: number;
  /** Close the writing side when everything is written. */
  readonly halfClose?: boolean;
}

/** Far above our own timeouts, since a busy machine can be slow. */
const TIMEOUT_MS = 60_000;
const PIECE_PAUSE_MS = 20;

/** Sends bytes and collects what comes back until the server closes. @param verb of the first request: HEAD's answer has no body */
export async function exchange(
  port: number,
  { bytes, verb }: Pick<HostileRequest, 'bytes' | 'verb'>,
  writing: Writing,
) {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  // A connection that breaks is closed, too.
  const closed = finished(socket, { writable: false, signal: timeout }).catch(() => {});
  await write(socket, bytes, writing);
  await closed;
  socket.destroy();
  return { ...readAnswers(Buffer.concat(chunks), verb), timedOut: timeout.aborted };
}

async function write(socket: Socket, bytes: Buffer, { pieceBytes, halfClose }: Writing) {
  const size = pieceBytes ?? bytes.length;
  for (let at = 0; at < bytes.length && !socket.destroyed; at += size) {
    socket.write(bytes.subarray(at, at + size));
    if (pieceBytes !== undefined) await pause(PIECE_PAUSE_MS);
  }
  if (halfClose === true) socket.end();
}

/** Reads answers one after the other, each as long as its Content-Length says. */
function readAnswers(received: Buffer, verb: string) {
  const answers: { status: number; headers: ReadonlyMap<string, string>; body: Buffer }[] = [];
  let rest = received;
  while (rest.length > 0) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) break;
    const [statusLine = '', ...lines] = rest.subarray(0, end).toString('latin1').split('\r\n');
    const [, code] = /^HTTP\/1\.[01] (\d{3})( |$)/.exec(statusLine) ?? [];
    if (code === undefined) break;
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
      }),
    );
    rest = rest.subarray(end + 4);
    if (code.startsWith('1')) continue;
    const bodyless = verb === 'HEAD' && answers.length === 0;
    const length = bodyless || code === '204' ? 0 : Number(headers.get('content-length') ?? Number.NaN);
    const body = Number.isNaN(length) ? rest : rest.subarray(0, length);
    rest = rest.subarray(body.length);
    answers.push({ status: Number(code), headers, body });
  }
  return { answers, rest };
}

/** Problems with what came back; empty if there are none. */
export function brokenPromises(
  { verb, mayBeUnanswered }: HostileRequest,
  { answers, rest, timedOut }: Exchange,
): string[] {
  if (timedOut) return ['no end: neither an answer nor a closed connection'];
  const broken = answers.flatMap((answer, index) => brokenBy(answer, verb === 'HEAD' && index === 0));
  if (answers.length === 0 && !mayBeUnanswered) broken.push('closed without an answer');
  if (rest.length > 0) broken.push(`${rest.length} bytes after the last answer`);
  return broken;
}

function brokenBy({ status, headers, body }: RawAnswer, bodyless: boolean): string[] {
  const broken: string[] = [];
  if (status >= 500) broken.push(`status ${status}: ${body.subarray(0, 200)}`);
  const connection = headers.get('set-cookie') ?? headers.get('x');
  if (connection !== undefined) broken.push('a header of the client came back as ours');
  if (bodyless || status === 204) return broken;
  if (headers.get('content-length') !== String(body.length)) {
    broken.push(`status ${status}: content-length ${headers.get('content-length')} for ${body.length} bytes`);
  }
  // A request for the root gets the console's page, which has its own type.
  if (status === 200 && /^text\/html\b/.test(headers.get('content-type') ?? '')) {
    return body.toString('utf8').startsWith('<!doctype html>') ? broken : [...broken, 'HTML that is no page'];
  }
  if (!/^application\/json\b/.test(headers.get('content-type') ?? '')) {
    broken.push(`status ${status}: content-type ${headers.get('content-type')}`);
  }
  const value = fieldsOf(jsonIn(body.toString('utf8')));
  if (value === undefined)
    broken.push(`status ${status}: the body is no JSON object: ${body.subarray(0, 100)}`);
  else if (status >= 400 && !isMessage(value['message'])) broken.push(`status ${status}: no message`);
  return broken;
}

/** A message is a sentence or a few words, and never the client's own megabytes. */
function isMessage(value: unknown): boolean {
  return typeof value === 'string' && value.length >= 5 && value.length <= 2_000;
}
