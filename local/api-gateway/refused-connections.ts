// Answers malformed requests that API Gateway would not process: too large a head, wrong framing, or no end.
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** API Gateway's limit for the request line and all headers together, bytes. */
export const headBytesMax = 10_240;

const answers: Record<string, { status: number; message: string }> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    message: `The request line and its headers take more than ${headBytesMax} bytes.`,
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, message: 'The chunk extensions of the body are too long.' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: 'The request did not come to its end in time.' },
};

const malformed = { status: 400, message: 'This is not a well-formed HTTP request.' };

/** How long to keep reading from a client that is still sending: closing at once would reset the connection and lose the answer. */
const drainMs = 2_000;

/** Answers on a connection whose request could not be read, and closes it. Node calls this again for each further error. */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  if (!socket.writable) return;
  const timer = setTimeout(() => socket.destroy(), drainMs);
  socket.once('close', () => clearTimeout(timer));
  const { status, message } = answers[error.code ?? ''] ?? malformed;
  const body = JSON.stringify({ message });
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'connection: close',
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  );
}
