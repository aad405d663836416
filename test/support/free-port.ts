// A port for a program that is started next.
import { createServer } from 'node:http';
import { listen } from '../../local/listening.ts';

export async function freePort(): Promise<number> {
  const { endpoint, stop } = await listen(createServer());
  await stop();
  return Number(new URL(endpoint).port);
}
