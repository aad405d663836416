// The pipeline's accounts, read from the status route, and the line that shows them.
import { asNumber, asObject, parseJson } from './json.ts';

/** Numbers of events, as `GET /v1/status` gives them. */
export interface Status {
  /** What the front door accepted: `unread` and `received`. */
  readonly accepted: number;
  readonly unread: number;
  readonly received: number;
  readonly duplicate: number;
  readonly rejected: number;
  readonly counted: number;
  readonly inFlight: number;
  readonly dead: number;
  readonly parked: number;
  readonly expired: number;
  readonly lost: number;
}

/** Reads the status. @throws if the route does not answer 200 */
export async function readStatus(url: string): Promise<Status> {
  const answer = await fetch(`${url}/v1/status?hours=0`, { signal: AbortSignal.timeout(15_000) });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`GET /v1/status answered ${answer.status}`);
  const body = asObject(parseJson(text));
  const number = (name: string) => asNumber(body[name]) ?? 0;
  return {
    accepted: number('accepted'),
    unread: number('unread'),
    received: number('received'),
    duplicate: number('duplicate'),
    rejected: number('rejected'),
    counted: number('counted'),
    inFlight: number('inFlight'),
    dead: number('dead'),
    parked: number('parked'),
    expired: number('expired'),
    lost: number('lost'),
  };
}

/** One line for the terminal, whose numbers add up; what is zero and should be is left out. */
export function statusLine(status: Status): string {
  const { accepted, counted, unread, inFlight, duplicate, rejected, dead, parked, expired, lost } = status;
  const parts: [string, number][] = [
    ['duplicate', duplicate],
    ['rejected', rejected],
    ['dead', dead],
    ['parked', parked],
    ['expired', expired],
    ['lost', lost],
  ];
  const others = parts.filter(([, count]) => count > 0).map(([name, count]) => `, ${format(count)} ${name}`);
  return `${format(accepted)} accepted, ${format(counted)} counted, ${format(unread + inFlight)} on the way${others.join('')}`;
}

function format(count: number): string {
  return count.toLocaleString('en-US');
}
