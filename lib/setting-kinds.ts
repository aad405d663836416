// Kinds of settings: their types, bounds and error sentences, which continue "SETTING must be".
import { z } from 'zod';

export function flag() {
  return z.boolean({ error: ({ input }) => `true or false, not ${shown(input)}` });
}

export function choice<const Values extends readonly [string, ...string[]]>(...values: Values) {
  const wanted = values.map(shown).join(' or ');
  return z.enum(values, { error: ({ input }) => `${wanted}, not ${shown(input)}` });
}

export function text(pattern: RegExp, wanted: string) {
  const error = ({ input }: { readonly input?: unknown }) => `${wanted}, not ${shown(input)}`;
  return z.string({ error }).regex(pattern, { error });
}

export function metricName() {
  return text(/^[A-Za-z0-9_.-]{1,64}$/, '1 to 64 of A-Z a-z 0-9 _ . -');
}

export function integer(least: number, most: number) {
  return z
    .int({ error: ({ input }) => `a whole number from ${least} to ${most}, not ${shown(input)}` })
    .min(least, { error: ({ input }) => `at least ${least}, not ${input}` })
    .max(most, { error: ({ input }) => `at most ${most}, not ${input}` });
}

export function orForever(least: number, most: number) {
  const error = ({ input }: { readonly input?: unknown }) =>
    `a whole number or "forever", not ${shown(input)}`;
  // A number outside the bounds gets the error of `integer`, anything else this one.
  return z.union([z.literal('forever'), integer(least, most)], { error });
}

/** One of the listed numbers. The error suggests the smallest that is at least the value. */
export function listed(values: readonly number[]) {
  const all = values.join(', ');
  return z
    .number({ error: ({ input }) => `one of ${all}, not ${shown(input)}` })
    .refine((value) => values.includes(value), {
      error: ({ input }) =>
        `${values.find((one) => one >= Number(input)) ?? values.at(-1)} (of ${all}), not ${input}`,
    })
    .meta({ enum: [...values] });
}

export function shown(value: unknown): string {
  return JSON.stringify(value) ?? 'undefined';
}
