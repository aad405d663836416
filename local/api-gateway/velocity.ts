// Velocity templates by velocityjs: parsed once, with the Java methods that Tally's templates call.
import { Compile, parse } from 'velocityjs';

/** A parsed template. */
export type VelocityTemplate = ReturnType<typeof compileVelocity>;

type Ast = ReturnType<typeof parse>;

const parsed = new Map<string, Ast>();

/** Double-quoted strings are templates too, and velocityjs parses them at every evaluation. */
function parseOnce(text: string): Ast {
  const ast = parsed.get(text) ?? parse(text);
  parsed.set(text, ast);
  return ast;
}

class CachedCompile extends Compile {
  override evalStr(text: string): string {
    return this.renderAstList(parseOnce(text), this.contextId);
  }
}

/** Parses a template. Returns a function that renders it, and throws if it calls an unsupported method. @throws if it is not valid Velocity */
export function compileVelocity(source: string) {
  const ast = parse(source);
  return (context: Record<string, unknown>): string =>
    new CachedCompile(ast, { customMethodHandlers: [callMethod] }).render(context);
}

/** The Java methods that Tally's templates call. */
const javaMethods: Readonly<Record<string, (value: object, key?: string) => unknown>> = {
  size: (value) => Object.keys(value).length,
  get: (value, key = '') => (Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : null),
};

const callMethod = {
  uid: 'api-gateway',
  match: () => true,
  resolve: ({ property, context, params }: { property: string; context: unknown; params: unknown[] }) => {
    const isObject = typeof context === 'object' && context !== null;
    const own =
      isObject && Object.hasOwn(context, property) && (context as Record<string, unknown>)[property];
    if (typeof own === 'function') return (own as (...values: unknown[]) => unknown)(...params);
    const method = Object.hasOwn(javaMethods, property) ? javaMethods[property] : undefined;
    if (!isObject || method === undefined)
      throw new Error(
        `A mapping template calls ${property}(), which the local API Gateway does not have: add it to local/api-gateway/velocity.ts.`,
      );
    return method(context, params[0] as string);
  },
};
