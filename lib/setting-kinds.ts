// Kinds of settings: their types, bounds and error sentences, which continue "SETTING must be" and end with the value given.
import { z } from 'zod';

export function flag() {
  return z.boolean('true or false');
}

export function choice<const Values extends readonly [string, ...string[]]>(...values: Values) {
  return z.enum(values, values.map(shown).join(' or '));
}

export function text(pattern: RegExp, wanted: string) {
  return z.string(wanted).regex(pattern, wanted);
}

export function metricName() {
  return text(/^[A-Za-z0-9_.-]{1,64}$/, '1 to 64 of A-Z a-z 0-9 _ . -');
}

export function integer(least: number, most: number) {
  const whole = z.int(`a whole number from ${least} to ${most}`);
  return whole.min(least, `at least ${least}`).max(most, `at most ${most}`);
}

export function orForever(least: number, most: number) {
  // A number outside the bounds gets the error of `integer`, anything else this one.
  return z.union([z.literal('forever'), integer(least, most)], 'a whole number or "forever"');
}

/** One of the listed numbers. The error suggests the smallest that is at least the value. */
export function listed(values: readonly number[]) {
  const all = values.join(', ');
  return z
    .number(`one of ${all}`)
    .refine((value) => values.includes(value), {
      error: ({ input }) =>
        `${values.find((one) => one >= Number(input)) ?? values.at(-1)} (of ${all}), not ${input}`,
    })
    .meta({ enum: [...values] });
}

export function shown(value: unknown): string {
  return JSON.stringify(value) ?? 'undefined';
}
