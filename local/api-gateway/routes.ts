// The resource tree as routes, matched on the raw path: nothing is decoded, so an encoded slash is not a separator.
import { LocalStackError } from '../errors.ts';
import { asText } from '../json.ts';
import { rootResourceId } from '../template/names.ts';
import type { Resource, Template } from '../template/template.ts';

/**
 * Reads the resource tree. Returns a function that finds the most specific method for a path; undefined if there is none.
 * @param createMethod called for each method of the template
 */
export function readRoutes<Method>(template: Template, createMethod: (method: Resource) => Method) {
  const pathOf = (id: string): string => {
    if (id === rootResourceId) return '';
    const resource = template.find(id);
    if (resource === undefined) throw new LocalStackError(`The API has no resource ${id}.`);
    const { ParentId, PathPart } = resource.properties;
    return `${pathOf(asText(ParentId) ?? '')}/${asText(PathPart)}`;
  };

  const declared = Map.groupBy(template.ofType('AWS::ApiGateway::Method'), ({ properties }) =>
    pathOf(asText(properties['ResourceId']) ?? ''),
  );
  const routes = [...declared]
    .map(([path, some]) => ({
      /** The value of `$context.resourcePath`: `/v1/counts/{metric}/{entity+}`. */
      resourcePath: path || '/',
      pattern: patternOf(path),
      methods: new Map(some.map((each) => [asText(each.properties['HttpMethod']) ?? '', createMethod(each)])),
    }))
    .sort((a, b) => specificity(b.resourcePath).localeCompare(specificity(a.resourcePath)));

  return (verb: string, rawPath: string) => {
    // As in API Gateway: a trailing slash is neither part of the path nor of a greedy parameter.
    const path = rawPath.replace(/\/$/, '');
    for (const { resourcePath, pattern, methods } of routes) {
      const found = pattern.exec(path);
      const method = methods.get(verb) ?? methods.get('ANY');
      // The path's parameters stay encoded.
      if (found !== null && method !== undefined)
        return { resourcePath, method, pathParameters: { ...found.groups } };
    }
    return undefined;
  };
}

/** What fits a resource's path: one segment for `{name}`, all that follows for `{name+}`. */
function patternOf(path: string): RegExp {
  const source = path
    .replaceAll('.', '\\.')
    .replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')
    .replaceAll(/\{(\w+)\+\}/g, '(?<$1>.+)');
  return new RegExp(`^${source}$`, 's');
}

/** Sorts literal segments before parameters, those before greedy ones. */
function specificity(path: string): string {
  const ranks = path.split('/').map((part) => (part.endsWith('+}') ? '0' : part.startsWith('{') ? '1' : '2'));
  return ranks.join('');
}
