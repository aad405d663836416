// The query API behind IAM: requests signed with the function's credentials.
import { SignatureV4, type SignatureV4Init } from '@smithy/signature-v4';
import { Sha256 } from '../aws/sha256.ts';
import type { MinuteCounts } from '../core/canary.ts';
import { parseInstant } from '../core/time.ts';
import type { Clock, MinuteCountsReader } from '../ports.ts';

/** Longer than API Gateway's timeout. */
const TIMEOUT_MS = 30_000;

/** The API did not answer with counts. */
export class NoCounts extends Error {
  override readonly name = 'NoCounts';
}

/** Reads `GET /v1/admin/counts/…`. @param api the API's URL, its stage included */
export function signedQuery(
  api: URL,
  identity: Pick<SignatureV4Init, 'region' | 'credentials'>,
  clock: Clock,
): MinuteCountsReader {
  const { protocol, host, hostname, pathname } = api;
  const signer = new SignatureV4({ service: 'execute-api', sha256: Sha256, ...identity });
  return {
    readMinutes: async (metric, entity, fromMs, toMs) => {
      const names = `${encodeURIComponent(metric)}/${encodeURIComponent(entity)}`;
      const path = `${pathname.replace(/\/$/, '')}/v1/admin/counts/${names}`;
      const query = { by: 'minute', from: String(fromMs), to: String(toMs) };
      const { headers } = await signer.sign(
        { method: 'GET', protocol, hostname, path, query, headers: { host } },
        { signingDate: new Date(clock.nowMs()) },
      );
      const answer = await fetch(`${protocol}//${host}${path}?${new URLSearchParams(query)}`, {
        headers,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const body = await answer.text();
      if (answer.status !== 200) throw new NoCounts(`GET ${path} answered ${answer.status}: ${body}`);
      return parseMinutes(body);
    },
  };
}

/** Reads an answer by minute. @throws NoCounts for any other */
function parseMinutes(body: string): MinuteCounts {
  const { points, completeThrough } = (JSON.parse(body) ?? {}) as Partial<Record<string, unknown>>;
  if (!Array.isArray(points)) throw new NoCounts('the answer has no points');
  const minutes = new Map<number, number>();
  for (const point of points as readonly ({ at?: unknown; n?: unknown } | null)[]) {
    const atMs = parseInstant(point?.at);
    if (atMs === undefined || typeof point?.n !== 'number') throw new NoCounts('a point has no minute');
    minutes.set(atMs, point.n);
  }
  return { minutes, completeThroughMs: parseInstant(completeThrough) ?? 0 };
}
