// Hostile connections: slow, half closed, reset, silent, and very many of them.
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../simulation/random.ts';
import { exchange } from './exchange.ts';
import { request } from './requests.ts';

const BODY = JSON.stringify({ events: [{ metric: 'hostile', entity: 'slow' }] });

/** A well-formed request in pieces, over about a second; it is answered like any other. */
export async function slowRequest(port: number, random: Random) {
  const slow = { kind: 'slow request', ...whole(random.chance(0.5) ? BODY : BODY.slice(1)) };
  return { request: slow, exchange: await exchange(port, slow, { pieceBytes: random.between(1, 20) }) };
}

/** A request whose sender closes its writing side, in the middle or at the end. */
export async function halfClosed(port: number, random: Random) {
  const { verb, bytes } = whole(BODY);
  const cut = random.chance(0.3) ? bytes.length : random.between(0, bytes.length - 1);
  const half = {
    kind: 'half closed',
    verb,
    bytes: bytes.subarray(0, cut),
    mayBeUnanswered: cut < bytes.length,
  };
  return { request: half, exchange: await exchange(port, half, { halfClose: true }) };
}

/** Connections that are reset at some moment: before, in the middle of, and after a request. */
export async function brokenOff(port: number, random: Random): Promise<void> {
  const { bytes } = whole(BODY);
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect').catch(() => {});
  socket.write(bytes.subarray(0, random.between(0, bytes.length)));
  if (random.chance(0.5)) await pause(random.between(0, 19));
  socket.resetAndDestroy();
}

/** Opens connections that send nothing, or only the beginning of a request. @returns a function that closes them */
export async function silentCrowd(port: number, size: number): Promise<() => void> {
  const crowd = Array.from({ length: size }, () => connect(port, '127.0.0.1').on('error', () => {}));
  for (const [at, socket] of crowd.entries())
    if (at % 2 === 0) socket.write('POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Slow: ');
  await Promise.all(crowd.map((socket) => once(socket, 'connect').catch(() => {})));
  return () => {
    for (const socket of crowd) socket.destroy();
  };
}

function whole(body: string) {
  return request('POST', '/v1/events', ['Content-Type: text/plain'], Buffer.from(body));
}
