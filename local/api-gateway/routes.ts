// The resource tree as routes, matched on the raw path: nothing is decoded, so an encoded slash is not a separator.
import { LocalStackError } from '../errors.ts';
import { asText } from '../json.ts';
import { refOf, rootResourceId } from '../template/names.ts';
import type { Resource, Template } from '../template/template.ts';

/** A path of the API with its methods. */
export interface Route<Method> {
  /** The value of `$context.resourcePath`: `/v1/counts/{metric}/{entity+}`. */
  readonly resourcePath: string;
  readonly segments: readonly string[];
  readonly methods: ReadonlyMap<string, Method>;
}

/** The matching route and method, and the path's parameters, still encoded. */
export interface Match<Method> {
  readonly route: Route<Method>;
  readonly method: Method;
  readonly parameters: Record<string, string>;
}

/** Reads the resource tree. @param createMethod called for each method of the template */
export function readRoutes<Method>(
  template: Template,
  createMethod: (method: Resource) => Method,
): Route<Method>[] {
  const paths = new Map<string, string>([[rootResourceId, '']]);
  const resources = template.ofType('AWS::ApiGateway::Resource');
  const pathOf = (id: string): string => {
    const known = paths.get(id);
    if (known !== undefined) return known;
    const resource = resources.find((candidate) => refOf(candidate) === id);
    if (resource === undefined) throw new LocalStackError(`The API has no resource ${id}.`);
    const parent = pathOf(asText(resource.properties['ParentId']) ?? '');
    const path = `${parent}/${asText(resource.properties['PathPart'])}`;
    paths.set(id, path);
    return path;
  };

  const methods = new Map<string, Map<string, Method>>();
  for (const method of template.ofType('AWS::ApiGateway::Method')) {
    const path = pathOf(asText(method.properties['ResourceId']) ?? '');
    const byVerb = methods.get(path) ?? new Map<string, Method>();
    byVerb.set(asText(method.properties['HttpMethod']) ?? '', createMethod(method));
    methods.set(path, byVerb);
  }
  return [...methods]
    .map(([path, byVerb]) => ({
      resourcePath: path || '/',
      segments: path.split('/').slice(1),
      methods: byVerb,
    }))
    .sort((a, b) => specificity(b).localeCompare(specificity(a)));
}

/** Finds the most specific route for a path; undefined if there is none, or it lacks the method. */
export function matchRoute<Method>(
  routes: readonly Route<Method>[],
  verb: string,
  rawPath: string,
): Match<Method> | undefined {
  // As in API Gateway: a trailing slash is neither part of the path nor of a greedy parameter.
  const segments = rawPath.replace(/\/$/, '').split('/').slice(1);
  for (const route of routes) {
    const parameters = fit(route.segments, segments);
    if (parameters === undefined) continue;
    const method = route.methods.get(verb) ?? route.methods.get('ANY');
    if (method !== undefined) return { route, method, parameters };
  }
  return undefined;
}

function fit(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  const parameters: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index];
    if (segment === undefined) return undefined;
    if (part.endsWith('+}')) {
      const rest = segments.slice(index).join('/');
      return rest === '' ? undefined : { ...parameters, [part.slice(1, -2)]: rest };
    }
    if (part.startsWith('{')) {
      if (segment === '') return undefined;
      parameters[part.slice(1, -1)] = segment;
    } else if (part !== segment) {
      return undefined;
    }
  }
  return pattern.length === segments.length ? parameters : undefined;
}

/** Sorts literal segments before parameters, those before greedy ones. */
function specificity({ segments }: { segments: readonly string[] }): string {
  return segments.map((part) => (part.endsWith('+}') ? '0' : part.startsWith('{') ? '1' : '2')).join('');
}
