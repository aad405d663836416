// Leaving a page: unsettled events are sent by beacon, because requests end with the page.
import { type Batch, batchOf, halvesOf } from './batch.ts';
import type { Http } from './http.ts';
import type { Settings } from './options.ts';
import type { Platform } from './platform.ts';

export interface BeaconParts {
  readonly http: Http;
  readonly platform: Platform;
  readonly settings: Pick<Settings, 'url' | 'apiKey'>;
  /** Called for every beacon that the browser accepts. */
  readonly onBeacon: () => void;
}

/**
 * Sends batches that are in flight or waiting by beacon, unchanged. A beacon returns no answer: if the page survives,
 * the sender sends them again under the same keys, which counts nothing twice.
 */
export function sendAgainByBeacon(batches: Iterable<Batch>, parts: BeaconParts): void {
  // A page that is hidden and then left reports both.
  for (const batch of batches) if (!batch.beaconed && !beaconTakes(batch, parts)) keepAlive(batch, parts);
}

/**
 * Sends events that are in no batch yet. Browsers limit the bytes of all beacons in flight and refuse a beacon as a whole,
 * so halves of a refused beacon may still fit.
 * @param events each as JSON
 * @returns the batches made of them; the sender sends them all again if the page survives
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

/** Sends a request that the browser finishes without the page. Unlike a beacon, it has headers. */
function keepAlive(batch: Batch, parts: BeaconParts): void {
  leaves(batch, parts);
  parts.http({ method: 'POST', path: '/v1/events', body: batch.body, keepalive: true }).catch(() => {
    // Over the browser's limit, or no network: retry when the page is hidden again.
    batch.beaconed = false;
  });
}

function leaves(batch: Batch, { platform }: BeaconParts): void {
  batch.beaconed = true;
  batch.mayBeStoredSinceMs ??= platform.steadyMs();
}
