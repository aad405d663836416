// Velocity templates by velocityjs: parsed once, and with the Java methods that templates may call on values.
import { Compile, parse } from 'velocityjs';

/** A parsed template. */
export interface VelocityTemplate {
  /** Renders with a context. @throws if the template calls what is not known here */
  render(context: Record<string, unknown>): string;
}

type Ast = ReturnType<typeof parse>;
type Method = (value: never, ...parameters: never[]) => unknown;

const parsed = new Map<string, Ast>();

/** Double-quoted strings are templates too, and velocityjs parses them whenever they are evaluated. */
function parseOnce(text: string): Ast {
  let ast = parsed.get(text);
  if (ast === undefined) {
    ast = parse(text);
    parsed.set(text, ast);
  }
  return ast;
}

class CachedCompile extends Compile {
  override evalStr(text: string): string {
    return this.renderAstList(parseOnce(text), this.contextId);
  }
}

/** Parses a template. @throws if it is no Velocity */
export function compileVelocity(source: string): VelocityTemplate {
  const ast = parse(source);
  return {
    render: (context) => new CachedCompile(ast, { customMethodHandlers: [callMethod] }).render(context),
  };
}

const stringMethods: Record<string, Method> = {
  concat: (value: string, other: string) => value + other,
  contains: (value: string, part: string) => value.includes(part),
  endsWith: (value: string, part: string) => value.endsWith(part),
  equals: (value: string, other: unknown) => value === other,
  equalsIgnoreCase: (value: string, other: string) => value.toLowerCase() === String(other).toLowerCase(),
  indexOf: (value: string, part: string) => value.indexOf(part),
  isEmpty: (value: string) => value === '',
  length: (value: string) => value.length,
  matches: (value: string, pattern: string) => new RegExp(`^(?:${pattern})$`, 's').test(value),
  replace: (value: string, from: string, to: string) => value.replaceAll(from, to),
  replaceAll: (value: string, pattern: string, to: string) => value.replace(new RegExp(pattern, 'g'), to),
  split: (value: string, pattern: string) => value.split(new RegExp(pattern)),
  startsWith: (value: string, part: string) => value.startsWith(part),
  substring: (value: string, start: number, end?: number) => value.substring(start, end),
  toLowerCase: (value: string) => value.toLowerCase(),
  toString: (value: string) => value,
  toUpperCase: (value: string) => value.toUpperCase(),
  trim: (value: string) => value.trim(),
};

const listMethods: Record<string, Method> = {
  add: (value: unknown[], item: unknown) => value.push(item) > 0,
  contains: (value: unknown[], item: unknown) => value.includes(item),
  get: (value: unknown[], index: number) => value[index],
  isEmpty: (value: unknown[]) => value.length === 0,
  size: (value: unknown[]) => value.length,
};

const mapMethods: Record<string, Method> = {
  containsKey: (value: object, key: string) => Object.hasOwn(value, key),
  entrySet: (value: object) => Object.entries(value).map(([key, item]) => ({ key, value: item })),
  get: (value: Record<string, unknown>, key: string) => (Object.hasOwn(value, key) ? value[key] : null),
  isEmpty: (value: object) => Object.keys(value).length === 0,
  keySet: (value: object) => Object.keys(value),
  put: (value: Record<string, unknown>, key: string, item: unknown) => {
    if (key !== '__proto__') value[key] = item;
    return null;
  },
  size: (value: object) => Object.keys(value).length,
  values: (value: object) => Object.values(value),
};

const numberMethods: Record<string, Method> = {
  equals: (value: number, other: unknown) => value === other,
  intValue: (value: number) => Math.trunc(value),
  toString: (value: number) => String(value),
};

const callMethod = {
  uid: 'api-gateway',
  match: () => true,
  resolve: ({ property, context, params }: { property: string; context: unknown; params: unknown[] }) => {
    if (typeof context === 'object' && context !== null && Object.hasOwn(context, property)) {
      const own = (context as Record<string, unknown>)[property];
      if (typeof own === 'function') return (own as (...values: unknown[]) => unknown)(...params);
    }
    const methods = methodsOf(context);
    const method = Object.hasOwn(methods, property) ? methods[property] : undefined;
    if (method === undefined) {
      throw new Error(`A mapping template calls ${property}(), which the local API Gateway does not have.`);
    }
    return (method as (...values: unknown[]) => unknown)(context, ...params);
  },
};

function methodsOf(value: unknown): Record<string, Method> {
  if (typeof value === 'string') return stringMethods;
  if (typeof value === 'number') return numberMethods;
  return Array.isArray(value) ? listMethods : mapMethods;
}
