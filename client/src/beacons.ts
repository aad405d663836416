// The last words of a page: what is not settled leaves by beacon, since requests end with the page.
import { type Batch, batchOf, halvesOf } from './batch.ts';
import type { Http } from './http.ts';
import type { Platform } from './platform.ts';

/** What beacons are made of. */
export interface BeaconParts {
  readonly http: Http;
  readonly platform: Platform;
  readonly settings: { readonly url: string; readonly apiKey: string | undefined };
  /** Told of every beacon that the browser took over. */
  readonly onBeacon: () => void;
}

/**
 * Sends batches that are on their way, or wait, by beacon, exactly as they are. A beacon has no answer: if the page lives
 * on they are sent again under the same keys, which counts nothing twice.
 */
export function sendAgainByBeacon(batches: Iterable<Batch>, parts: BeaconParts): void {
  // A page that is hidden and then left says so twice.
  for (const batch of batches) if (!batch.beaconed && !beaconTakes(batch, parts)) keepAlive(batch, parts);
}

/**
 * Sends events that were in no batch before. Browsers bound the bytes of all beacons on their way together, and refuse a
 * beacon whole: of what is refused nothing is stored, so halves of it may still find room.
 * @param events each as JSON
 * @returns the batches that were made of them, all of which have to be sent in case the page lives on
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

/** A beacon can carry no header, and so no API key. */
function beaconOf({ platform, settings }: BeaconParts): ((url: string, body: string) => boolean) | undefined {
  return settings.apiKey === undefined ? platform.page?.sendBeacon : undefined;
}

function beaconTakes(batch: Batch, parts: BeaconParts): boolean {
  if (beaconOf(parts)?.(`${parts.settings.url}/v1/events`, batch.body) !== true) return false;
  parts.onBeacon();
  leaves(batch, parts);
  return true;
}

/** Sends what the browser finishes without the page, as a beacon, but with headers. */
function keepAlive(batch: Batch, parts: BeaconParts): void {
  leaves(batch, parts);
  parts.http.request({ method: 'POST', path: '/v1/events', body: batch.body, keepalive: true }).catch(() => {
    // Too much at once, or no network: it may leave when the page is hidden again.
    batch.beaconed = false;
  });
}

function leaves(batch: Batch, { platform }: BeaconParts): void {
  batch.beaconed = true;
  batch.mayBeStoredSinceMs ??= platform.steadyMs();
}
