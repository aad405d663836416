// Valid events: the front door's own rules, checked before an event enters the buffer.

/** An event as it is sent. */
export interface TallyEvent {
  /** Identifies the event, for events reported more than once; retries are safe without it, thanks to the batch's key. */
  readonly id?: string;
  readonly metric: string;
  readonly entity: string;
  /** When it happened: epoch milliseconds, or ISO 8601 with a zone. By default, the time of arrival. */
  readonly at?: number | string;
  /** The amount, 1 by default. */
  readonly n?: number;
}

/** Optional details of an event. */
export interface EventDetails {
  /** When it happened, if not now: a Date, epoch milliseconds, or ISO 8601 with a zone. */
  readonly at?: Date | number | string | undefined;
  /** Its id, if any: events with the same metric, entity and id count once. */
  readonly id?: string | undefined;
}

/** An event that Tally could never count: a mistake of the caller. Thrown by `count()`; nothing was buffered. */
export class InvalidEventError extends Error {
  override readonly name = 'InvalidEventError';
  readonly field: keyof TallyEvent;

  constructor(field: keyof TallyEvent, rule: string) {
    super(`"${field}" must be ${rule}`);
    this.field = field;
  }
}

const METRIC = /^[A-Za-z0-9_.-]{1,64}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses.
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/;
/** Half of a surrogate pair: UTF-8 cannot encode it. */
const LONE_SURROGATE = /\p{Surrogate}/u;
const INSTANT =
  /^(\d{4})-(\d\d)-(\d\d)T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)$/;
/** A smaller number is nearly always seconds; write a time before 2000 as ISO 8601. */
const NUMBER_MIN_MS = Date.UTC(2000);
const LATEST_MS = Date.UTC(2099, 11, 31, 23, 59, 59, 999);
const AMOUNT_MAX = 1_000_000_000;
const AT_RULE = 'a Date, whole epoch milliseconds (not seconds), or ISO 8601 with Z or an offset, until 2099';

/** Builds an event. @throws InvalidEventError naming the field that breaks a rule */
export function eventOf(metric: string, entity: string, n: number, { at, id }: EventDetails): TallyEvent {
  checkMetric(metric);
  checkEntity(entity);
  check('n', Number.isInteger(n) && Math.abs(n) <= AMOUNT_MAX, 'an integer from -1000000000 to 1000000000');
  check('id', id === undefined || isText(id, 128), '1 to 128 characters');
  const instant = at instanceof Date ? instantOf(at) : at;
  check('at', instant === undefined || isInstant(instant), AT_RULE);
  return {
    ...(id !== undefined && { id }),
    metric,
    entity,
    ...(instant !== undefined && { at: instant }),
    ...(n !== 1 && { n }),
  };
}

/** @throws InvalidEventError if a value is no metric's name */
export function checkMetric(value: unknown): void {
  check('metric', typeof value === 'string' && METRIC.test(value), '1 to 64 of A-Z a-z 0-9 _ . -');
}

/** @throws InvalidEventError if a value is no entity's name */
export function checkEntity(value: unknown): void {
  const isEntity = isText(value, 512) && !CONTROL_CHARACTER.test(value);
  check('entity', isEntity, '1 to 512 characters, none of them a control character');
}

function check(field: keyof TallyEvent, right: boolean, rule: string): void {
  if (!right) throw new InvalidEventError(field, rule);
}

/** Tally counts characters (code points), not UTF-16 units. */
function isText(value: unknown, charactersMax: number): value is string {
  if (typeof value !== 'string' || value.length === 0 || value.length > 2 * charactersMax) return false;
  return !LONE_SURROGATE.test(value) && (value.length <= charactersMax || [...value].length <= charactersMax);
}

function instantOf(at: Date): number | string {
  const ms = at.getTime();
  return ms >= 0 && ms < NUMBER_MIN_MS ? at.toISOString() : ms;
}

/** Whether Tally takes it as the time of an event. */
export function isInstant(value: number | string): boolean {
  if (typeof value === 'number') return value >= NUMBER_MIN_MS && isInstantMs(value);
  const match = INSTANT.exec(value);
  if (match === null) return false;
  // Date.parse rolls 30 February over into March; refuse such a day.
  const [year, month, day] = match.slice(1, 4).map(Number) as [number, number, number];
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day && isInstantMs(Date.parse(value));
}

function isInstantMs(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= LATEST_MS;
}
