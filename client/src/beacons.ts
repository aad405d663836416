// The last words of a page: what is not settled leaves by beacon, since requests end with the page.
import type { Books } from './books.ts';
import type { Http } from './http.ts';
import type { Settings } from './options.ts';
import { cut, type Outbox, type Pending } from './outbox.ts';
import { bodyOf } from './packing.ts';
import type { Surroundings } from './surroundings.ts';

/** Most bytes that browsers take in beacons and keepalive requests that are on their way. */
const BEACON_BYTES = 2 ** 16;
const BEACON_EVENTS = 500;

/** What beacons are made of. */
export interface BeaconParts {
  readonly outbox: Outbox;
  readonly books: Books;
  readonly http: Http;
  readonly settings: Settings;
  readonly surroundings: Surroundings;
}

/**
 * Sends every event that is not settled by beacon, those on their way included. A beacon has no answer, so the events
 * stay in the outbox: if the page lives on they are sent again under the same ids, which counts nothing twice.
 */
export function sendBeacons({ outbox, books, http, settings, surroundings }: BeaconParts): void {
  const nowMs = surroundings.steadyMs();
  const { apiKey, url } = settings;
  // A beacon can carry no header, and so no API key.
  const beacon = apiKey === undefined ? surroundings.page?.sendBeacon : undefined;
  // A page that is hidden and then left says so twice.
  const unsettled = [...outbox.unsettled].filter(({ beaconed }) => !beaconed);
  for (const part of cut(unsettled, { events: BEACON_EVENTS, bytes: BEACON_BYTES })) {
    const body = bodyOf(part);
    for (const pending of part) {
      pending.beaconed = true;
      pending.maybeSinceMs ??= nowMs;
    }
    if (beacon?.(`${url}/v1/events`, body) === true) books.beacons += 1;
    else void keptAlive(http, body, part);
  }
  outbox.moveFreshToAgain();
}

/** What the browser finishes without the page, as a beacon, but with headers. */
async function keptAlive(http: Http, body: string, part: readonly Pending[]): Promise<void> {
  try {
    await http.request({ method: 'POST', path: '/v1/events', body, keepalive: true });
  } catch {
    // Too much at once, or no network: these may leave when the page is hidden again.
    for (const pending of part) pending.beaconed = false;
  }
}
