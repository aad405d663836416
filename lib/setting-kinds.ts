// Kinds of settings: their types, bounds and error sentences, which continue "SETTING must be".
import { z } from 'zod';

export function flag() {
  return z.boolean({ error: not('true or false') });
}

export function choice<const Values extends readonly [string, ...string[]]>(...values: Values) {
  const wanted = values.map(shown).join(' or ');
  return z.enum(values, { error: not(wanted) });
}

export function text(pattern: RegExp, wanted: string) {
  return z.string({ error: not(wanted) }).regex(pattern, { error: not(wanted) });
}

export function metricName() {
  return text(/^[A-Za-z0-9_.-]{1,64}$/, '1 to 64 of A-Z a-z 0-9 _ . -');
}

export function integer(least: number, most: number) {
  return z
    .int({ error: not(`a whole number from ${least} to ${most}`) })
    .min(least, { error: ({ input }) => `at least ${least}, not ${input}` })
    .max(most, { error: ({ input }) => `at most ${most}, not ${input}` });
}

export function orForever(least: number, most: number) {
  // A number outside the bounds gets the error of `integer`, anything else this one.
  return z.union([z.literal('forever'), integer(least, most)], { error: not('a whole number or "forever"') });
}

/** One of the listed numbers. The error suggests the smallest that is at least the value. */
export function listed(values: readonly number[]) {
  const all = values.join(', ');
  return z
    .number({ error: not(`one of ${all}`) })
    .refine((value) => values.includes(value), {
      error: ({ input }) =>
        `${values.find((one) => one >= Number(input)) ?? values.at(-1)} (of ${all}), not ${input}`,
    })
    .meta({ enum: [...values] });
}

/** The error of a value that is not what is wanted. */
function not(wanted: string) {
  return ({ input }: { readonly input?: unknown }) => `${wanted}, not ${shown(input)}`;
}

export function shown(value: unknown): string {
  return JSON.stringify(value) ?? 'undefined';
}
