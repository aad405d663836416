// One exchange over a bare socket: bytes out, and strictly parsed answers back.
import { connect, type Socket } from 'node:net';

/** An answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** What came back: answers, and any bytes after them. */
export interface Exchange {
  readonly answers: readonly RawAnswer[];
  readonly rest: Buffer;
  readonly timedOut: boolean;
}

/** How a request is written: all at once, or in pieces with pauses. */
export interface Writing {
  readonly pieceBytes?: number;
  readonly pauseMs?: number;
  /** Close the writing side when everything is written. */
  readonly halfClose?: boolean;
}

/** Far above our own timeouts, since a busy machine can be slow. */
const TIMEOUT_MS = 60_000;

/** Sends bytes and collects what comes back until the server closes. @param verb of the first request: HEAD's answer has no body */
export async function exchange(
  port: number,
  bytes: Buffer,
  verb: string,
  writing: Writing = {},
): Promise<Exchange> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const chunks: Buffer[] = [];
  let timedOut = false;
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const closed = new Promise<void>((resolve) => {
    socket.once('end', resolve);
    socket.once('close', () => resolve());
    socket.once('error', () => resolve());
  });
  const timer = setTimeout(() => {
    timedOut = true;
    socket.destroy();
  }, TIMEOUT_MS);
  await write(socket, bytes, writing);
  await closed;
  clearTimeout(timer);
  socket.destroy();
  return { ...readAnswers(Buffer.concat(chunks), verb), timedOut };
}

async function write(
  socket: Socket,
  bytes: Buffer,
  { pieceBytes, pauseMs, halfClose }: Writing,
): Promise<void> {
  if (pieceBytes === undefined) socket.write(bytes);
  else {
    for (let at = 0; at < bytes.length && !socket.destroyed; at += pieceBytes) {
      socket.write(bytes.subarray(at, at + pieceBytes));
      await new Promise((resolve) => setTimeout(resolve, pauseMs ?? 0));
    }
  }
  if (halfClose === true) socket.end();
}

/** Reads answers one after the other, each as long as its Content-Length says. */
function readAnswers(received: Buffer, verb: string): Pick<Exchange, 'answers' | 'rest'> {
  const answers: RawAnswer[] = [];
  let rest = received;
  while (rest.length > 0) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) break;
    const [statusLine = '', ...lines] = rest.subarray(0, end).toString('latin1').split('\r\n');
    const [, code] = /^HTTP\/1\.[01] (\d{3})( |$)/.exec(statusLine) ?? [];
    if (code === undefined) break;
    const headers = new Map(
      lines.map((line) => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        line.slice(line.indexOf(':') + 1).trim(),
      ]),
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
