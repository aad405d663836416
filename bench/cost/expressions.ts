// DynamoDB's expressions, as far as anything that is compared uses them: conditions, and updates of whole attributes.
import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/** An item as the SDK carries it. */
export type Item = Record<string, AttributeValue>;

/** What an expression's placeholders stand for. */
export interface Placeholders {
  readonly names: Readonly<Record<string, string>> | undefined;
  readonly values: Readonly<Item> | undefined;
}

type Condition = (item: Readonly<Item>, given: Placeholders) => boolean;
type Operand = (item: Readonly<Item>, given: Placeholders) => AttributeValue | undefined;

const conditions = new Map<string, Condition>();

/** Whether an item, empty if there is none, fulfils a condition. @throws Error for what this does not know */
export function fulfils(item: Readonly<Item>, expression: string, given: Placeholders): boolean {
  let condition = conditions.get(expression);
  if (condition === undefined) {
    condition = new ConditionParser(expression).whole();
    conditions.set(expression, condition);
  }
  return condition(item, given);
}

const TOKEN = /\s*(<>|<=|>=|[=<>(),]|[:#]?\w+)/y;

function tokens(expression: string): string[] {
  const found: string[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(expression); match !== null; match = TOKEN.exec(expression)) {
    found.push(match[1] as string);
    if (TOKEN.lastIndex === expression.length) return found;
  }
  throw new Error(`can not read "${expression}"`);
}

/** Reads a condition: OR binds least, then AND, then NOT. */
class ConditionParser {
  readonly #tokens: readonly string[];
  readonly #text: string;
  #at = 0;

  constructor(expression: string) {
    this.#text = expression;
    this.#tokens = tokens(expression);
  }

  whole(): Condition {
    const condition = this.#either();
    if (this.#at !== this.#tokens.length) this.#refuse();
    return condition;
  }

  #either(): Condition {
    const parts = [this.#all()];
    while (this.#takes('OR')) parts.push(this.#all());
    return (item, given) => parts.some((part) => part(item, given));
  }

  #all(): Condition {
    const parts = [this.#one()];
    while (this.#takes('AND')) parts.push(this.#one());
    return (item, given) => parts.every((part) => part(item, given));
  }

  #one(): Condition {
    if (this.#takes('NOT')) {
      const condition = this.#one();
      return (item, given) => !condition(item, given);
    }
    if (this.#takes('(')) {
      const condition = this.#either();
      this.#expect(')');
      return condition;
    }
    const word = this.#next();
    return this.#takes('(') ? this.#call(word) : this.#comparison(operand(word));
  }

  #call(name: string): Condition {
    const first = operand(this.#next());
    const second = this.#takes(',') ? operand(this.#next()) : undefined;
    this.#expect(')');
    if (name === 'attribute_exists') return (item, given) => first(item, given) !== undefined;
    if (name === 'attribute_not_exists') return (item, given) => first(item, given) === undefined;
    if (name === 'contains' && second !== undefined) {
      return (item, given) => holds(first(item, given), second(item, given));
    }
    return this.#refuse();
  }

  #comparison(left: Operand): Condition {
    const sign = this.#next();
    const right = operand(this.#next());
    if (!['=', '<>', '<', '<=', '>', '>='].includes(sign)) this.#refuse();
    return (item, given) => {
      const order = compare(left(item, given), right(item, given));
      if (order === undefined) return false;
      if (sign === '=') return order === 0;
      if (sign === '<>') return order !== 0;
      return (sign.startsWith('<') ? order < 0 : order > 0) || (sign.endsWith('=') && order === 0);
    };
  }

  #next(): string {
    const token = this.#tokens[this.#at];
    this.#at += 1;
    return token ?? this.#refuse();
  }

  #takes(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at += 1;
    return true;
  }

  #expect(token: string): void {
    if (!this.#takes(token)) this.#refuse();
  }

  #refuse(): never {
    throw new Error(`can not read the condition "${this.#text}"`);
  }
}

/** A placeholder's value, or an attribute of the item. */
function operand(word: string): Operand {
  if (word.startsWith(':')) return (_item, { values }) => values?.[word];
  return (item, { names }) => item[attribute(word, names)];
}

function attribute(word: string, names: Placeholders['names']): string {
  return word.startsWith('#') ? (names?.[word] ?? word) : word;
}

/** Whether a set has an element. */
function holds(set: AttributeValue | undefined, element: AttributeValue | undefined): boolean {
  if (set?.SS !== undefined && element?.S !== undefined) return set.SS.includes(element.S);
  if (set?.NS !== undefined && element?.N !== undefined) return set.NS.includes(element.N);
  return false;
}

function compare(a: AttributeValue | undefined, b: AttributeValue | undefined): number | undefined {
  if (a?.N !== undefined && b?.N !== undefined) return Number(a.N) - Number(b.N);
  if (a?.S !== undefined && b?.S !== undefined) return a.S < b.S ? -1 : a.S > b.S ? 1 : 0;
  return undefined;
}

type Change = readonly [clause: 'SET' | 'ADD' | 'REMOVE' | 'DELETE', attribute: string, value: string];

const updates = new Map<string, readonly Change[]>();

/** An item after an update; the one given stays as it is. @throws Error for what this does not know */
export function updated(item: Readonly<Item>, expression: string, { names, values }: Placeholders): Item {
  let changes = updates.get(expression);
  if (changes === undefined) {
    changes = changesIn(expression);
    updates.set(expression, changes);
  }
  const after: Item = { ...item };
  for (const [clause, word, placeholder] of changes) {
    const name = attribute(word, names);
    const value = values?.[placeholder];
    if (clause === 'REMOVE') delete after[name];
    else if (value === undefined) throw new Error(`"${placeholder}" of "${expression}" stands for nothing`);
    else if (clause === 'SET') after[name] = value;
    else if (clause === 'ADD') after[name] = sum(after[name], value);
    else throw new Error(`can not ${clause} in "${expression}"`);
  }
  return after;
}

/** The changes that an update names, in order. */
function changesIn(expression: string): Change[] {
  const changes: Change[] = [];
  let clause: Change[0] | undefined;
  const words = tokens(expression);
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] as string;
    if (word === ',') continue;
    if (word === 'SET' || word === 'ADD' || word === 'REMOVE' || word === 'DELETE') clause = word;
    else if (clause === 'REMOVE') changes.push([clause, word, '']);
    else if (clause === 'SET' && words[at + 1] === '=') {
      changes.push([clause, word, words[at + 2] ?? '']);
      at += 2;
    } else if (clause === 'ADD' || clause === 'DELETE') {
      changes.push([clause, word, words[at + 1] ?? '']);
      at += 1;
    } else throw new Error(`can not read the update "${expression}"`);
  }
  return changes;
}

/** What ADD makes: a sum of numbers, or a set with more elements. */
function sum(before: AttributeValue | undefined, more: AttributeValue): AttributeValue {
  if (more.N !== undefined) return { N: String(Number(before?.N ?? 0) + Number(more.N)) };
  if (more.SS !== undefined) return { SS: united(before?.SS, more.SS) };
  if (more.NS !== undefined) return { NS: united(before?.NS, more.NS) };
  throw new Error('ADD takes numbers and sets');
}

function united(before: readonly string[] = [], more: readonly string[]): string[] {
  return [...before, ...more.filter((element) => !before.includes(element))];
}
