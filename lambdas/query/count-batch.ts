// Parses the body of a batch of count queries.
import { fieldsOf, jsonIn } from '../core/json.ts';
import { type CountQuery, POINTS_MAX, parseCountQuery } from './count-query.ts';
import { InvalidQuery } from './invalid-query.ts';

/** Most queries of a batch. */
export const QUERIES_MAX = 100;

/**
 * Parses a batch: `{ "queries": [{ metric, entity, from?, to?, by?, … }] }`, each with the parameters of a single query.
 * Its answers have at most 50,000 points together: each query gets an equal share, and pages beyond it.
 * @returns each query, or its error
 * @throws InvalidQuery when the body as a whole is invalid
 */
export function parseCountBatch(body: string, nowMs: number): readonly (CountQuery | InvalidQuery)[] {
  const { queries, ...others } = fieldsOf(jsonIn(body)) ?? {};
  const isBatch = Array.isArray(queries) && queries.length >= 1 && queries.length <= QUERIES_MAX;
  if (!isBatch || Object.keys(others).length > 0)
    throw new InvalidQuery(
      `the body must be {"queries": […]} with 1 to ${QUERIES_MAX} questions, and nothing else`,
    );
  const limitMax = Math.floor(POINTS_MAX / queries.length);
  return queries.map((question: unknown) => {
    try {
      return parseQuestion(question, nowMs, limitMax);
    } catch (error) {
      if (error instanceof InvalidQuery) return error;
      throw error;
    }
  });
}

function parseQuestion(question: unknown, nowMs: number, limitMax: number): CountQuery {
  const fields = fieldsOf(question);
  if (fields === undefined) throw new InvalidQuery('a question must be an object');
  const { metric, entity, ...rest } = fields;
  const parameters = Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [name, textOf(name, value)]),
  );
  return parseCountQuery(String(metric ?? ''), String(entity ?? ''), parameters, nowMs, limitMax);
}

/** A parameter in the form of a query string. */
function textOf(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || value === true) return String(value);
  throw new InvalidQuery(`"${name}" must be a string, a number or true`);
}
