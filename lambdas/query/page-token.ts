// The token of a next page: where it starts, and the whole question, so that no page depends on when it is asked for.
import { createHash } from 'node:crypto';
import { GRAINS, type Grain, parseTimeZone, type TimeZone } from './calendar.ts';

/** What a page needs to know of the pages before it. */
export interface PageStart {
  /** The grain and the zone of the pages before: an answer does not change them half way. */
  readonly grain: Grain;
  readonly zone: TimeZone;
  /** The sum of the pages before. */
  readonly sum: bigint;
}

/** A token, read. */
export interface PageToken {
  /** The parameters of the question that is left, as a query string has them. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly page: PageStart;
}

/** Changes whenever tokens mean something else: older ones are then foreign. */
const VERSION = 1;

/** A token for a page of one counter's answer: letters, digits, `-` and `_`. */
export function pageToken(metric: string, entity: string, { parameters, page }: PageToken): string {
  const content = JSON.stringify([VERSION, parameters, page.grain, page.zone, String(page.sum)]);
  return Buffer.from(`${checkOf(metric, entity, content)}${content}`).toString('base64url');
}

/**
 * Reads a token. The check is against mistakes, not against malice: what a token may ask for, its bearer may ask for anyway.
 * @returns undefined when it is none, or one of another counter
 */
export function readPageToken(text: string, metric: string, entity: string): PageToken | undefined {
  if (!/^[\w-]{1,2000}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  // A letter too many would be overlooked.
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
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).every((each) => typeof each === 'string');
}
