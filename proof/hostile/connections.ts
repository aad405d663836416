// Hostile connections: slow, half closed, reset, silent, and very many of them.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { type Exchange, exchange, type Writing } from './exchange.ts';
import type { Random } from './random.ts';
import type { HostileRequest } from './requests.ts';

/** What was sent and what came back. */
export interface Attack {
  readonly request: HostileRequest;
  readonly exchange: Exchange;
}

const BODY = JSON.stringify({ events: [{ metric: 'hostile', entity: 'slow' }] });

/** A well-formed request in pieces, over about a second; it is answered like any other. */
export async function slowRequest(port: number, random: Random): Promise<Attack> {
  const request = whole('slow request', random.chance(0.5) ? BODY : BODY.slice(1));
  const writing: Writing = { pieceBytes: 1 + random.below(20), pauseMs: 20 };
  return { request, exchange: await exchange(port, request.bytes, 'POST', writing) };
}

/** A request whose sender closes its writing side, in the middle or at the end. */
export async function halfClosed(port: number, random: Random): Promise<Attack> {
  const { bytes } = whole('half closed', BODY);
  const cut = random.chance(0.3) ? bytes.length : random.below(bytes.length);
  const request = {
    kind: 'half closed',
    verb: 'POST',
    bytes: bytes.subarray(0, cut),
    mayBeUnanswered: cut < bytes.length,
  };
  return { request, exchange: await exchange(port, request.bytes, 'POST', { halfClose: true }) };
}

/** Connections that are reset at some moment: before, in the middle of, and after a request. */
export async function brokenOff(port: number, random: Random): Promise<void> {
  const { bytes } = whole('broken off', BODY);
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect').catch(() => {});
  socket.write(bytes.subarray(0, random.below(bytes.length + 1)));
  if (random.chance(0.5)) await pause(random.below(20));
  socket.resetAndDestroy();
}

/** Opens connections that send nothing, or only the beginning of a request. @returns a function that closes them */
export async function silentCrowd(port: number, size: number): Promise<() => void> {
  const crowd: Socket[] = [];
  for (let at = 0; at < size; at += 1) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    crowd.push(socket);
    if (at % 2 === 0) socket.write('POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Slow: ');
  }
  await Promise.all(crowd.map((socket) => once(socket, 'connect').catch(() => {})));
  return () => {
    for (const socket of crowd) socket.destroy();
  };
}

function whole(kind: string, body: string): HostileRequest {
  const head = [
    'POST /v1/events HTTP/1.1',
    'Host: x',
    'Connection: close',
    'Content-Type: text/plain',
    `Content-Length: ${body.length}`,
  ];
  return {
    kind,
    verb: 'POST',
    bytes: Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`),
    mayBeUnanswered: false,
  };
}
