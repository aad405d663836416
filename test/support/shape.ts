// The TypeScript type that a JSON schema describes.

interface Primitives {
  string: string;
  integer: number;
  boolean: boolean;
  null: null;
}

/** The type of the values that a schema (written `as const satisfies Schema`) accepts, as far as types can express it. */
export type Shape<S> = S extends { readonly enum: readonly (infer E)[] }
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
