// JSON Schema (2020-12) as plain data, and the TypeScript type that a schema describes.

/** The part of JSON Schema that the API's schemas use. */
export interface Schema {
  readonly description?: string;
  readonly type?: SchemaType | readonly SchemaType[];
  readonly const?: string | number | boolean;
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

export type SchemaType = 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'null';

interface Primitives {
  string: string;
  integer: number;
  number: number;
  boolean: boolean;
  null: null;
}

/** The type of the values that a schema (written `as const satisfies Schema`) accepts, as far as types can express it. */
export type Shape<S> = S extends { readonly const: infer C }
  ? C
  : S extends { readonly enum: readonly (infer E)[] }
    ? E
    : S extends { readonly oneOf: readonly (infer U)[] }
      ? Each<U>
      : S extends { readonly type: readonly (infer T)[] }
        ? Primitives[T & keyof Primitives]
        : S extends { readonly type: infer T extends keyof Primitives }
          ? Primitives[T]
          : S extends { readonly items: infer I }
            ? readonly Shape<I>[]
            : S extends { readonly properties: infer P }
              ? Fields<P, S extends { readonly required: readonly (infer R)[] } ? R : never>
              : S extends { readonly additionalProperties: infer A }
                ? Readonly<Record<string, Shape<A>>>
                : unknown;

type Each<U> = U extends unknown ? Shape<U> : never;

type Fields<P, R> = { readonly [K in keyof P as K extends R ? K : never]: Shape<P[K]> } & {
  readonly [K in keyof P as K extends R ? never : K]?: Shape<P[K]>;
};

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
