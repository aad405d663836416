// Counters that anyone may read: parsing the path, and drawing the badge.
import { isEntity } from '../core/event.ts';
import { InvalidQuery } from './invalid-query.ts';

export type PublicForm = 'json' | 'svg';

export interface PublicCounter {
  readonly entity: string;
  readonly form: PublicForm;
}

const LABEL_MAX = 40;

/**
 * Parses a path: everything before the last ".json" or ".svg" is the entity, including slashes and dots.
 * @param name the path after the metric, decoded
 * @throws InvalidQuery
 */
export function publicCounterOf(name: string): PublicCounter {
  const [, entity, form] = /^(.+)\.(json|svg)$/s.exec(name) ?? [];
  if (!isEntity(entity) || (form !== 'json' && form !== 'svg')) {
    throw new InvalidQuery('the path must end with the percent-encoded entity and .json or .svg');
  }
  return { entity, form };
}

/** The text next to the number. @throws InvalidQuery */
export function badgeLabel(given: string | undefined, metric: string): string {
  if (given === undefined) return metric;
  if (given.length > LABEL_MAX || !isEntity(given)) {
    throw new InvalidQuery(`"label" must be 1 to ${LABEL_MAX} characters`);
  }
  return given;
}

export interface Badge {
  readonly label: string;
  readonly total: bigint;
  /** ISO 8601 in UTC; null while unknown. */
  readonly completeThrough: string | null;
  readonly nowMs: number;
}

/** `1,204,331`. */
export function grouped(total: bigint): string {
  return total.toLocaleString('en-US');
}

/** "1,204,331 plays, complete to 12:06" as an SVG without external parts. */
export function badgeSvg(badge: Badge): string {
  const left = `${grouped(badge.total)} ${badge.label}`;
  const right = completeTo(badge);
  const [leftWidth, rightWidth] = [widthOf(left), widthOf(right)];
  const width = leftWidth + rightWidth;
  const text = (words: string, x: number, room: number) =>
    `<text x="${x}" y="14" textLength="${room - 12}" lengthAdjust="spacingAndGlyphs">${escaped(words)}</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="20" role="img" aria-label="${escaped(`${left}, ${right}`)}">`,
    `<title>${escaped(`${left}, ${right}`)}</title>`,
    `<clipPath id="r"><rect width="${width}" height="20" rx="4"/></clipPath>`,
    `<g clip-path="url(#r)"><rect width="${leftWidth}" height="20" fill="#2b3140"/><rect x="${leftWidth}" width="${rightWidth}" height="20" fill="#4f46e5"/></g>`,
    '<g fill="#fff" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11">',
    text(left, 6, leftWidth),
    text(right, leftWidth + 6, rightWidth),
    '</g></svg>',
  ].join('');
}

/** The time of day in UTC, and the date unless it is today. */
function completeTo({ completeThrough, nowMs }: Badge): string {
  if (completeThrough === null) return 'counting';
  const [date = '', time = ''] = completeThrough.split('T');
  const today = new Date(nowMs).toISOString().slice(0, 10);
  return `complete to ${date === today ? '' : `${date} `}${time.slice(0, 5)}`;
}

/** An estimate; the text is fitted to it. */
function widthOf(words: string): number {
  return Math.round([...words].length * 6.6) + 12;
}

function escaped(words: string): string {
  return words.replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`);
}
