// Messages of the collector's queue: EventBridge's "Object Created", or the same from `tally collect-backfill`.
import type { LogObject } from './ports.ts';

/** The part of EventBridge's event that matters (docs s3/latest/userguide/ev-events.html). */
export interface Announcement {
  readonly detail: {
    readonly bucket: { readonly name: string };
    readonly object: { readonly key: string; readonly size: number; readonly etag: string };
  };
}

/** A message that announces an object. */
export function announcementOf({ bucket, key, bytes, etag }: LogObject): Announcement {
  return { detail: { bucket: { name: bucket }, object: { key, size: bytes, etag } } };
}

/** The object that a message announces; undefined for any other message. */
export function announcedObject(body: string): LogObject | undefined {
  let value: Partial<Announcement> | null;
  try {
    value = JSON.parse(body) as Partial<Announcement> | null;
  } catch {
    return undefined;
  }
  const { bucket, object } = value?.detail ?? {};
  if (typeof bucket?.name !== 'string' || typeof object?.key !== 'string' || typeof object.etag !== 'string')
    return undefined;
  // Events quote it, lists do not.
  return {
    bucket: bucket.name,
    key: object.key,
    etag: object.etag.replaceAll('"', ''),
    bytes: Number(object.size),
  };
}
