// Leaving a page: events that are not settled leave by beacon, because requests end with the page.
import { type Batch, batchOf, halvesOf } from './batch.ts';
import type { Http } from './http.ts';
import type { Platform } from './platform.ts';

/** What beacons are made of. */
export interface BeaconParts {
  readonly http: Http;
  readonly platform: Platform;
  readonly settings: { readonly url: string; readonly apiKey: string | undefined };
  /** Called for every beacon that the browser accepts. */
  readonly onBeacon: () => void;
}

/**
 * Sends batches that are in flight or waiting by beacon, exactly as they are. A beacon has no answer: if the page lives on,
 * the sender sends them again under the same keys, which counts nothing twice.
 */
export function sendAgainByBeacon(batches: Iterable<Batch>, parts: BeaconParts): void {
  // A page that is hidden and then left reports it twice.
  for (const batch of batches) if (!batch.beaconed && !beaconTakes(batch, parts)) keepAlive(batch, parts);
}

/**
 * Sends events that are in no batch yet. Browsers bound the bytes of all beacons in flight and refuse a beacon as a whole.
 * Nothing of a refused beacon is stored, so halves of it may still fit.
 * @param events each as JSON
 * @returns the batches made of them; the sender sends all of them again if the page lives on
 */
export function sendByBeacon(
  key: string | undefined,
  events: readonly string[],
  parts: BeaconParts,
): readonly Batch[] {
  const made: Batch[] = [];
  const left = [batchOf(key, events)];
  for (let batch = left.pop(); batch !== undefined; batch = left.pop()) {
    const canBeacon = beaconOf(parts) !== undefined;
    if (beaconTakes(batch, parts)) made.push(batch);
    else if (canBeacon && batch.events.length > 1) left.push(...halvesOf(batch));
    else {
      made.push(batch);
      keepAlive(batch, parts);
    }
  }
  return made;
}

/** A beacon cannot carry headers, so it cannot carry an API key. */
function beaconOf({ platform, settings }: BeaconParts): ((url: string, body: string) => boolean) | undefined {
  return settings.apiKey === undefined ? platform.page?.sendBeacon : undefined;
}

function beaconTakes(batch: Batch, parts: BeaconParts): boolean {
  if (beaconOf(parts)?.(`${parts.settings.url}/v1/events`, batch.body) !== true) return false;
  parts.onBeacon();
  leaves(batch, parts);
  return true;
}

/** Sends a request that the browser finishes without the page. Unlike a beacon it has headers. */
function keepAlive(batch: Batch, parts: BeaconParts): void {
  leaves(batch, parts);
  parts.http.request({ method: 'POST', path: '/v1/events', body: batch.body, keepalive: true }).catch(() => {
    // Over the browser's limit, or no network: try again when the page is hidden again.
    batch.beaconed = false;
  });
}

function leaves(batch: Batch, { platform }: BeaconParts): void {
  batch.beaconed = true;
  batch.mayBeStoredSinceMs ??= platform.steadyMs();
}
