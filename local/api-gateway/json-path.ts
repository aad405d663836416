// The subset of JSONPath in Tally's mapping templates: names and indexes, no wildcards or filters.
import type { Json } from '../json.ts';

const step = /\.([A-Za-z_$][\w$-]*)|\[(\d+)\]/y;

/** The value at a path such as `$.a[0].b`; undefined if there is none. @throws Error for any other kind of path */
export function evaluateJsonPath(document: Json | undefined, path: string): Json | undefined {
  let value = document;
  step.lastIndex = 1;
  while (step.lastIndex < path.length) {
    const [, name, index] = step.exec(path) ?? [];
    const key = name ?? index;
    if (key === undefined || !path.startsWith('$'))
      throw new Error(`The local API Gateway does not know the path ${path}.`);
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Array.isArray(value) ? value[Number(key)] : value[key];
  }
  return value;
}
