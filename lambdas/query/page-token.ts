// The token of a next page: its start and the whole query, so that no page depends on the time of its request.
import { createHash } from 'node:crypto';
import { jsonIn } from '../core/json.ts';
import { GRAINS, type Grain, parseTimeZone, type TimeZone } from './calendar.ts';

/** State carried over from earlier pages. */
export interface PageStart {
  /** The grain and zone of earlier pages: an answer keeps them throughout. */
  readonly grain: Grain;
  readonly zone: TimeZone;
  /** The sum of the earlier pages. */
  readonly sum: bigint;
}

export interface PageToken {
  /** The parameters of the rest of the query, in the form of a query string. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly page: PageStart;
}

/** Incremented when the format changes: older tokens are then refused. */
const VERSION = 1;

/** A token for a page of one counter's answer: letters, digits, `-` and `_`. */
export function pageToken(metric: string, entity: string, { parameters, page }: PageToken): string {
  const content = JSON.stringify([VERSION, parameters, page.grain, page.zone, String(page.sum)]);
  return Buffer.from(`${checkOf(metric, entity, content)}${content}`).toString('base64url');
}

/**
 * Parses a token. The check detects mistakes, not forgery: its bearer may request the same data anyway.
 * @returns undefined if it is invalid, or for another counter
 */
export function readPageToken(text: string, metric: string, entity: string): PageToken | undefined {
  if (!/^[\w-]{1,2000}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  // Decoding ignores extra characters.
  if (bytes.toString('base64url') !== text) return undefined;
  const decoded = bytes.toString();
  const content = decoded.slice(CHECK_LENGTH);
  if (decoded.slice(0, CHECK_LENGTH) !== checkOf(metric, entity, content)) return undefined;
  const [version, parameters, grain, zoneName, sum] = listIn(content);
  const zone = typeof zoneName === 'string' ? parseTimeZone(zoneName) : undefined;
  const known = GRAINS.find((each) => each === grain);
  if (version !== VERSION || known === undefined || zone === undefined || !isTexts(parameters))
    return undefined;
  if (typeof sum !== 'string' || !/^-?\d{1,60}$/.test(sum)) return undefined;
  return { parameters, page: { grain: known, zone, sum: BigInt(sum) } };
}

const CHECK_LENGTH = 12;

function checkOf(metric: string, entity: string, content: string): string {
  const hash = createHash('sha256').update(JSON.stringify([metric, entity, content]));
  return hash.digest('base64url').slice(0, CHECK_LENGTH);
}

function listIn(text: string): readonly unknown[] {
  const list = jsonIn(text);
  return Array.isArray(list) ? list : [];
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).every((each) => typeof each === 'string');
}
