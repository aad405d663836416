// JSON Schema (2020-12) as plain data.

/** The part of JSON Schema that the API's schemas use. */
export interface Schema {
  readonly description?: string;
  readonly type?: SchemaType | readonly SchemaType[];
  readonly enum?: readonly string[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  /** False wherever an answer is an object: answers contain only documented fields. */
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

type SchemaType = 'object' | 'array' | 'string' | 'integer' | 'boolean' | 'null';

/** An object with exactly these fields, and optionally the optional ones. */
export function exactly<
  const P extends Readonly<Record<string, Schema>>,
  const O extends Readonly<Record<string, Schema>> = Readonly<Record<never, Schema>>,
>(properties: P, optional?: O) {
  return {
    type: 'object',
    properties: { ...properties, ...optional } as P & O,
    required: Object.keys(properties) as (keyof P & string)[],
    additionalProperties: false,
  } as const;
}

export function listOf<const I extends Schema>(items: I) {
  return { type: 'array', items } as const;
}

/** A count: a non-negative integer. */
export const NUMBER_OF = { type: 'integer', minimum: 0 } as const satisfies Schema;
export const INSTANT = { type: 'string', description: 'ISO 8601 in UTC.' } as const satisfies Schema;
export const COMPLETE_THROUGH = {
  type: ['string', 'null'],
  description:
    'Every event that arrived before this time is in the counts; null while unknown. In a final answer: its `to`.',
} as const satisfies Schema;
export const NOTE = {
  type: 'string',
  description: 'Why the answer differs from the request.',
} as const satisfies Schema;
