// The pipeline's accounts, read from the status route, and their display line.
import { asNumber, asObject, parseJson } from './json.ts';

/** Places whose zeros are normal. */
const OTHERS = ['duplicate', 'rejected', 'dead', 'parked', 'expired', 'lost'] as const;
const ACCOUNTS = ['accepted', 'unread', 'received', 'counted', 'inFlight', ...OTHERS] as const;

/** Numbers of events, as in `GET /v1/status`. */
export type Status = Readonly<Record<(typeof ACCOUNTS)[number], number>>;

/** Reads the status. @throws if the route's answer is not 200 */
export async function readStatus(url: string): Promise<Status> {
  const answer = await fetch(`${url}/v1/status?hours=0`, { signal: AbortSignal.timeout(15_000) });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`GET /v1/status answered ${answer.status}`);
  const body = asObject(parseJson(text));
  return Object.fromEntries(ACCOUNTS.map((name) => [name, asNumber(body[name]) ?? 0])) as Status;
}

/** One line for the terminal, whose numbers add up; omits zeros that are normal. */
export function statusLine(status: Status): string {
  const { accepted, counted, unread, inFlight } = status;
  const others = OTHERS.filter((name) => status[name] > 0).map((name) => `, ${format(status[name])} ${name}`);
  return `${format(accepted)} accepted, ${format(counted)} counted, ${format(unread + inFlight)} on the way${others.join('')}`;
}

const format = (count: number) => count.toLocaleString('en-US');
