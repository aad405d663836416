// The schemas match what the code answers. The compiler checks it, so the tests below do little.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { COUNTS, COUNTS_ANSWERS, COUNTS_BATCH } from '../../api/counts.ts';
import type { EVENT } from '../../api/events.ts';
import type { STATUS } from '../../api/reads.ts';
import type {
  CountsAnswer,
  CountsBatchAnswer,
  CountsBatchQuestion,
  StatusAnswer,
  TallyEvent,
} from '../../client/src/index.ts';
import type { AcceptedStatus } from '../../lambdas/core/pipeline-status.ts';
import type { CountAnswer } from '../../lambdas/query/count-answer.ts';
import type { BatchAnswer } from '../../lambdas/query/read-counts.ts';
import type { Shape } from '../support/shape.ts';

/** A type as JSON carries it (`jsonAnswer`): bigints are numbers. */
type Sent<T> = T extends bigint
  ? number
  : T extends string | number | boolean | null
    ? T
    : T extends readonly (infer U)[]
      ? readonly Sent<U>[]
      : { readonly [K in keyof T]: Sent<T[K]> };

/** A type as the client reads it: a number may be a bigint, beyond 2^53. */
type Read<T> = T extends number
  ? number | bigint
  : T extends string | boolean | null
    ? T
    : T extends readonly (infer U)[]
      ? readonly Read<U>[]
      : { readonly [K in keyof T]: Read<T[K]> };

/** A query as the client sends it: instants as text or numbers, and no undefined values. */
type Asked<Q> = { [K in keyof Q]: Exclude<Q[K], Date | undefined> };

/** Compiles only if every `A` is a `B`. */
type Is<A extends B, B> = [A, B];

/** The answers of handlers match the schemas. */
export type HandlersAnswerAsDocumented = [
  Is<Sent<CountAnswer>, Shape<typeof COUNTS>>,
  Is<Sent<{ readonly answers: readonly BatchAnswer[] }>, Shape<typeof COUNTS_ANSWERS>>,
  Is<Sent<AcceptedStatus>, Omit<Shape<typeof STATUS>, 'service'>>,
];

/** What the client reads matches the schemas, and what it sends is an event. */
export type ClientReadsAsDocumented = [
  Is<Shape<typeof COUNTS>, CountsAnswer>,
  Is<CountsAnswer, Read<Shape<typeof COUNTS>>>,
  Is<Shape<typeof COUNTS_ANSWERS>['answers'], readonly CountsBatchAnswer[]>,
  Is<readonly CountsBatchAnswer[], Read<Shape<typeof COUNTS_ANSWERS>['answers']>>,
  Is<readonly Sent<Asked<CountsBatchQuestion>>[], Shape<typeof COUNTS_BATCH>['queries']>,
  Is<Shape<typeof STATUS>, StatusAnswer>,
  Is<TallyEvent, Shape<typeof EVENT>>,
];

test('a shape is as narrow as its schema', () => {
  const counts = { by: 'hour' } satisfies Pick<Shape<typeof COUNTS>, 'by'>;
  // @ts-expect-error there is no such grain
  const wrong = { by: 'fortnight' } satisfies Pick<Shape<typeof COUNTS>, 'by'>;
  // @ts-expect-error a count is no text
  const text: Shape<typeof COUNTS>['total'] = '1';
  assert.deepEqual([counts.by, wrong.by, text], ['hour', 'fortnight', '1']);
});
