// Leaving a page: unsettled events are sent by beacon, because requests end with the page.
import { type Batch, halvesOf } from './batch.ts';
import type { SenderParts } from './sender.ts';

/**
 * Sends a batch by beacon, unchanged. A beacon returns no answer: if the page survives, the sender sends the batch again
 * under the same key, which counts nothing twice.
 * @param isNew whether no request has it yet. Browsers limit the bytes of all beacons in flight and refuse a beacon as a
 * whole, so halves of a refused one may still fit
 * @returns the batch, or those it was split into
 */
export function sendByBeacon(batch: Batch, parts: SenderParts, isNew: boolean): readonly Batch[] {
  const { http, platform, settings, stats } = parts;
  const path = '/v1/events';
  const { body } = batch;
  // A beacon cannot carry headers, so it cannot carry an API key.
  const beacon = settings.apiKey === undefined ? platform.page?.sendBeacon : undefined;
  if (beacon?.(`${settings.url}${path}`, body) === true) stats.beacons += 1;
  else if (isNew && beacon !== undefined && batch.events.length > 1) {
    const [second, first] = halvesOf(batch);
    return [first, second].flatMap((half) => sendByBeacon(half, parts, true));
  } else {
    // The browser finishes this request without the page. Unlike a beacon, it has headers.
    http({ path, body, keepalive: true }).catch(() => {
      // Over the browser's limit, or no network: retry when the page is hidden again.
      batch.beaconed = false;
    });
  }
  batch.carried = true;
  batch.beaconed = true;
  batch.mayBeStoredSinceMs ??= platform.steadyMs();
  return [batch];
}
