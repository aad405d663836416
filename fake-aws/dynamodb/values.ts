// DynamoDB's values: their sizes, their order, their arithmetic.
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { validationError } from '../errors.ts';

/** An item in the SDK's format. */
export type Item = Record<string, AttributeValue>;
/** The name of a value's type. */
type TypeName = 'S' | 'N' | 'B' | 'SS' | 'NS' | 'BS' | 'L' | 'M' | 'BOOL' | 'NULL';

/** The type of a value. @throws ValidationException when it has none */
export function typeOf(value: AttributeValue): TypeName {
  for (const type in value) if (value[type as TypeName] !== undefined) return type as TypeName;
  throw validationError(
    'Supplied AttributeValue is empty, must contain exactly one of the supported datatypes',
  );
}

/** Bytes of an item by the documented rules. @throws ValidationException for a value that cannot be stored */
export function itemBytes(item: Readonly<Item>): number {
  let bytes = 0;
  for (const name in item) bytes += Buffer.byteLength(name) + valueBytes(item[name] as AttributeValue);
  return bytes;
}

/** Bytes of a value. */
function valueBytes(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  if (value.N !== undefined) return numberBytes(value.N);
  if (value.B !== undefined) return value.B.byteLength;
  if (value.SS !== undefined) return setBytes(value.SS, Buffer.byteLength);
  if (value.NS !== undefined) return setBytes(value.NS, numberBytes);
  if (value.BS !== undefined) return setBytes(value.BS, ({ byteLength }) => byteLength);
  // Three bytes for a list or map, and one for each element.
  if (value.L !== undefined) return value.L.reduce((sum, element) => sum + 1 + valueBytes(element), 3);
  if (value.M !== undefined) return 3 + Object.keys(value.M).length + itemBytes(value.M);
  typeOf(value);
  return 1;
}

function setBytes<T extends string | Uint8Array>(
  elements: readonly T[],
  bytesOf: (element: T) => number,
): number {
  if (elements.length === 0) {
    throw validationError('One or more parameter values were invalid: a set may not be empty');
  }
  if (elements.length > 1 && new Set(elements).size < elements.length) {
    throw validationError('One or more parameter values were invalid: Input collection contains duplicates.');
  }
  return elements.reduce((sum, element) => sum + bytesOf(element), 0);
}

/** One byte for two significant digits, one more, and one for a sign. */
function numberBytes(text: string): number {
  const { digits, exponent } = SAFE_INTEGER.test(text) ? { digits: text, exponent: 0 } : decimal(text);
  const signed = String(digits);
  const unsigned = signed.replace('-', '');
  const significant = unsigned.replace(/0+$/, '');
  if (significant === '') return 1;
  if (significant.length > 38) {
    throw validationError('Attempting to store more than 38 significant digits in a Number');
  }
  // Digits are stored in pairs that begin at the decimal point.
  const trailing = unsigned.length - significant.length;
  const isShifted = significant.length % 2 === 0 && (exponent + trailing) % 2 !== 0;
  return 1 + Math.ceil(significant.length / 2) + (isShifted ? 1 : 0) + (signed.startsWith('-') ? 1 : 0);
}

interface Decimal {
  readonly digits: bigint;
  /** The power of ten that `digits` is multiplied by. */
  readonly exponent: number;
}

const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

function decimal(text: string): Decimal {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = NUMBER.exec(text) ?? [];
  if (whole === '' && fraction === '') {
    throw validationError(`The parameter cannot be converted to a numeric value: ${text}`);
  }
  return {
    digits: BigInt(`${sign === '-' ? '-' : ''}${whole}${fraction}`),
    exponent: Number(exponent) - fraction.length,
  };
}

function aligned(one: string, other: string): { one: bigint; other: bigint; exponent: number } {
  const [a, b] = [decimal(one), decimal(other)];
  const exponent = Math.min(a.exponent, b.exponent);
  const scaled = (number: Decimal) => number.digits * 10n ** BigInt(number.exponent - exponent);
  return { one: scaled(a), other: scaled(b), exponent };
}

const SAFE_INTEGER = /^-?(?:0|[1-9]\d{0,14})$/;

/** The sum of two numbers as text; `sign` -1 subtracts. */
export function added(one: string, other: string, sign: 1 | -1 = 1): string {
  if (SAFE_INTEGER.test(one) && SAFE_INTEGER.test(other)) return String(Number(one) + sign * Number(other));
  const { one: a, other: b, exponent } = aligned(one, other);
  return written(a + BigInt(sign) * b, exponent);
}

function written(digits: bigint, exponent: number): string {
  if (exponent >= 0) return String(digits * 10n ** BigInt(exponent));
  const text = String(digits < 0n ? -digits : digits).padStart(1 - exponent, '0');
  const fraction = text.slice(exponent).replace(/0+$/, '');
  return `${digits < 0n ? '-' : ''}${text.slice(0, exponent)}${fraction === '' ? '' : `.${fraction}`}`;
}

/** The order of two numbers, as for `Array.sort`. */
export function compareNumbers(one: string, other: string): number {
  if (SAFE_INTEGER.test(one) && SAFE_INTEGER.test(other)) return Number(one) - Number(other);
  const { one: a, other: b } = aligned(one, other);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The order of two texts by their UTF-8 bytes, which is DynamoDB's order. */
export function compareText(one: string, other: string): number {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at += 1) {
    const [a, b] = [one.charCodeAt(at), other.charCodeAt(at)];
    if (a !== b) return codePointOrder(a) - codePointOrder(b);
  }
  return one.length - other.length;
}

/** Orders surrogates above all other code units: they encode the largest code points. */
function codePointOrder(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}

/** The order of two values of one ordered type; undefined if they cannot be compared. */
export function compareValues(one: AttributeValue, other: AttributeValue): number | undefined {
  if (one.S !== undefined && other.S !== undefined) return compareText(one.S, other.S);
  if (one.N !== undefined && other.N !== undefined) return compareNumbers(one.N, other.N);
  if (one.B !== undefined && other.B !== undefined) return Buffer.compare(one.B, other.B);
  return undefined;
}

/** Whether two values are equal; sets in any order. */
export function equalValues(one: AttributeValue, other: AttributeValue): boolean {
  const type = typeOf(one);
  if (type !== typeOf(other)) return false;
  if (type === 'S' || type === 'N' || type === 'B') return compareValues(one, other) === 0;
  if (type === 'BOOL' || type === 'NULL') return one[type] === other[type];
  if (type === 'L') return equalLists(one.L ?? [], other.L ?? []);
  if (type === 'M') return equalMaps(one.M ?? {}, other.M ?? {});
  const elements = elementsOf(one);
  return (
    elements.length === elementsOf(other).length && elements.every((element) => hasElement(other, element))
  );
}

function equalLists(one: readonly AttributeValue[], other: readonly AttributeValue[]): boolean {
  return (
    one.length === other.length && one.every((value, at) => equalValues(value, other[at] as AttributeValue))
  );
}

function equalMaps(one: Readonly<Item>, other: Readonly<Item>): boolean {
  const names = Object.keys(one);
  if (names.length !== Object.keys(other).length) return false;
  return names.every((name) => {
    const twin = other[name];
    return twin !== undefined && equalValues(one[name] as AttributeValue, twin);
  });
}

/** A set's elements as values; empty for any other value. */
function elementsOf(value: AttributeValue): AttributeValue[] {
  if (value.SS !== undefined) return value.SS.map((S) => ({ S }));
  if (value.NS !== undefined) return value.NS.map((N) => ({ N }));
  if (value.BS !== undefined) return value.BS.map((B) => ({ B }));
  return [];
}

/** Whether a set contains an element. */
export function hasElement(set: AttributeValue, element: AttributeValue): boolean {
  return elementsOf(set).some((one) => equalValues(one, element));
}

/** A set with the elements of another one added or removed; undefined when none is left. */
export function changedSet(
  set: AttributeValue,
  change: AttributeValue,
  how: 'with' | 'without',
): AttributeValue | undefined {
  const type = typeOf(change);
  if (type !== 'SS' && type !== 'NS' && type !== 'BS') throw validationError('ADD and DELETE take sets');
  const before = elementsOf(set);
  const kept =
    how === 'without'
      ? before.filter((element) => !hasElement(change, element))
      : [...before, ...elementsOf(change).filter((element) => !hasElement(set, element))];
  if (kept.length === 0) return undefined;
  if (type === 'SS') return { SS: kept.map(({ S = '' }) => S) };
  if (type === 'NS') return { NS: kept.map(({ N = '' }) => N) };
  return { BS: kept.flatMap(({ B }) => B ?? []) };
}
