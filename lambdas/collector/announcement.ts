// Messages of the collector's queue: EventBridge's "Object Created", or the same from `tally collect-backfill`.
import { jsonIn } from '../core/json.ts';
import type { LogObject } from './ports.ts';

/** A message that announces an object: the part of EventBridge's event that matters (docs s3/latest/userguide/ev-events.html). */
export function announcementOf({ bucket, key, bytes, etag }: LogObject) {
  return { detail: { bucket: { name: bucket }, object: { key, size: bytes, etag } } };
}

/** The object that a message announces; undefined for any other message. */
export function announcedObject(body: string): LogObject | undefined {
  const message = jsonIn(body) as Partial<ReturnType<typeof announcementOf>> | null | undefined;
  const { bucket, object } = message?.detail ?? {};
  if (typeof bucket?.name !== 'string' || typeof object?.key !== 'string' || typeof object.etag !== 'string')
    return undefined;
  if (!Number.isSafeInteger(object.size) || object.size < 0) return undefined;
  // S3's lists quote it, its events do not.
  return {
    bucket: bucket.name,
    key: object.key,
    etag: object.etag.replaceAll('"', ''),
    bytes: object.size,
  };
}
