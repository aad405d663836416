// Metric math: the part of CloudWatch's expression language that the template's alarms use, one period at a time.
import { LocalStackError } from '../errors.ts';

/** An expression ready to be evaluated: ids of metrics to their values in a period; a missing value stays missing. */
export interface Expression {
  /** The ids that it reads. */
  readonly ids: readonly string[];
  evaluate(read: (id: string) => number | undefined): number | undefined;
}

type Term = (read: (id: string) => number | undefined) => number | undefined;
type Operator = (a: number, b: number) => number;

/** From those that bind least to those that bind most. Comparisons give 1 or 0. */
const operators: readonly Readonly<Record<string, Operator>>[] = [
  { OR: (a, b) => truth(a !== 0 || b !== 0), '||': (a, b) => truth(a !== 0 || b !== 0) },
  { AND: (a, b) => truth(a !== 0 && b !== 0), '&&': (a, b) => truth(a !== 0 && b !== 0) },
  {
    '==': (a, b) => truth(a === b),
    '!=': (a, b) => truth(a !== b),
    '<=': (a, b) => truth(a <= b),
    '>=': (a, b) => truth(a >= b),
    '<': (a, b) => truth(a < b),
    '>': (a, b) => truth(a > b),
  },
  { '+': (a, b) => a + b, '-': (a, b) => a - b },
  { '*': (a, b) => a * b, '/': (a, b) => a / b },
];

const TOKEN = /\s*(?:(\d+(?:\.\d+)?)|([A-Za-z_]\w*)|(==|!=|<=|>=|&&|\|\||[-+*/<>(),[\]]))/y;

/**
 * Reads an expression: numbers, ids, `+ - * /`, comparisons, AND, OR, parentheses, `IF(condition, then, else)`,
 * `FILL(metric, number)`, `MAX([…])`, `MIN([…])`, `SUM([…])`. (docs AmazonCloudWatch/latest/monitoring/using-metric-math.html)
 * @throws LocalStackError for whatever else CloudWatch knows
 */
export function parseExpression(text: string): Expression {
  const tokens = tokensOf(text);
  const ids = new Set<string>();
  let at = 0;
  const refuse = (what: string): never => {
    throw new LocalStackError(
      `The metric math "${text}" uses ${what}, which the local stack does not know: add it to local/alarms/metric-math.ts.`,
    );
  };
  const expect = (token: string) => {
    if (tokens[at] !== token) refuse(`"${tokens[at] ?? 'its end'}" where "${token}" is expected`);
    at += 1;
  };

  const chain = (level: number): Term => {
    const known = operators[level];
    if (known === undefined) return unary();
    let left = chain(level + 1);
    for (;;) {
      const token = tokens[at] ?? '';
      const operator = Object.hasOwn(known, token) ? known[token] : undefined;
      if (operator === undefined) return left;
      at += 1;
      left = both(operator, left, chain(level + 1));
    }
  };
  const unary = (): Term => {
    if (tokens[at] !== '-') return primary();
    at += 1;
    return both(
      (a, b) => a - b,
      () => 0,
      unary(),
    );
  };
  const primary = (): Term => {
    const token = tokens[at] ?? refuse('nothing where a value is expected');
    at += 1;
    if (token === '(') {
      const inner = chain(0);
      expect(')');
      return inner;
    }
    if (/^\d/.test(token)) return () => Number(token);
    if (tokens[at] === '(') return call(token);
    // Ids of metrics begin with a lower-case letter; everything else that looks like a name is a word of the language.
    if (!/^[a-z]/.test(token)) return refuse(token);
    ids.add(token);
    return (read) => read(token);
  };
  const call = (name: string): Term => {
    expect('(');
    const list = tokens[at] === '[';
    if (list) at += 1;
    const terms = [chain(0)];
    while (tokens[at] === ',') {
      at += 1;
      terms.push(chain(0));
    }
    if (list) expect(']');
    expect(')');
    const shape = `${name}${list ? '[]' : `/${terms.length}`}`;
    const make = Object.hasOwn(functions, shape) ? functions[shape] : undefined;
    return make === undefined ? refuse(`${name} with these arguments`) : make(terms);
  };

  const root = chain(0);
  if (at < tokens.length) refuse(`"${tokens[at]}"`);
  return { ids: [...ids], evaluate: root };
}

/**
 * Functions by name and arguments: `/n` of n values, `[]` of one list. MAX of a single metric is not among them: it is
 * taken over the whole graph in CloudWatch, and not over a period.
 */
const functions: Readonly<Record<string, (terms: readonly Term[]) => Term>> = {
  'IF/3':
    ([condition, then, otherwise]) =>
    (read) => {
      const holds = condition?.(read);
      if (holds === undefined) return undefined;
      return (holds !== 0 ? then : otherwise)?.(read);
    },
  'FILL/2':
    ([metric, filler]) =>
    (read) =>
      metric?.(read) ?? filler?.(read),
  'MAX[]': (terms) => ofPresent(terms, (values) => Math.max(...values)),
  'MIN[]': (terms) => ofPresent(terms, (values) => Math.min(...values)),
  'SUM[]': (terms) => ofPresent(terms, (values) => values.reduce((a, b) => a + b)),
};

function ofPresent(terms: readonly Term[], combine: (values: readonly number[]) => number): Term {
  return (read) => {
    const values = terms.map((term) => term(read)).filter((value) => value !== undefined);
    return values.length === 0 ? undefined : combine(values);
  };
}

/** Where one side is missing there is no result. A division by zero is none, either. */
function both(operator: Operator, left: Term, right: Term): Term {
  return (read) => {
    const a = left(read);
    const b = right(read);
    if (a === undefined || b === undefined) return undefined;
    const result = operator(a, b);
    return Number.isFinite(result) ? result : undefined;
  };
}

function truth(holds: boolean): number {
  return holds ? 1 : 0;
}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  const trimmed = text.trimEnd();
  while (TOKEN.lastIndex < trimmed.length) {
    const start = TOKEN.lastIndex;
    const match = TOKEN.exec(trimmed);
    if (match === null) {
      throw new LocalStackError(
        `The metric math "${text}" can not be read from "${trimmed.slice(start)}" on.`,
      );
    }
    tokens.push(match[1] ?? match[2] ?? match[3] ?? '');
  }
  return tokens;
}
