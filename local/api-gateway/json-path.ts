// JSONPath as mapping templates use it: plain paths at once, everything else by jsonpath-plus.
import { JSONPath } from 'jsonpath-plus';
import type { Json } from '../json.ts';

const plainStep = /\.([A-Za-z_$][\w$-]*)|\[(\d+)\]|\['([^'\\]*)'\]|\["([^"\\]*)"\]/y;

/** The value at a path; undefined if there is none. A path with wildcards or filters gives the list of its matches. */
export function evaluateJsonPath(document: Json | undefined, path: string): Json | undefined {
  if (document === undefined) return undefined;
  const steps = plainSteps(path);
  if (steps === undefined) {
    // Scripts in paths stay off: a template's path may hold what a client sent.
    return JSONPath({ path, json: document as object, wrap: true, eval: false }) as Json;
  }
  let value: Json | undefined = document;
  for (const step of steps) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = Array.isArray(value) ? value[Number(step)] : value[step];
  }
  return value;
}

/** The steps of a path like `$.a[0]['b c']`; undefined for any other kind of path. */
function plainSteps(path: string): string[] | undefined {
  if (!path.startsWith('$')) return undefined;
  const steps: string[] = [];
  plainStep.lastIndex = 1;
  while (plainStep.lastIndex < path.length) {
    const match = plainStep.exec(path);
    if (match === null) return undefined;
    steps.push(match[1] ?? match[2] ?? match[3] ?? match[4] ?? '');
  }
  return steps;
}
