// The rule of a composite alarm: which states of other alarms put it into ALARM.
import { LocalStackError } from '../errors.ts';
import type { AlarmState } from './alarm-state.ts';

/** A rule that asks for the states of other alarms, by name or ARN. */
export interface CompositeRule {
  /** Names or ARNs of the alarms that it asks for. */
  readonly alarms: readonly string[];
  holds(stateOf: (alarm: string) => AlarmState): boolean;
}

type Term = (stateOf: (alarm: string) => AlarmState) => boolean;

const TOKEN =
  /\s*(?:(ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*("[^"]*"|[^\s")]+)\s*\)|(AND|OR|NOT|TRUE|FALSE)\b|([()]))/y;

/**
 * Reads a rule: `ALARM(…)`, `OK(…)`, `INSUFFICIENT_DATA(…)`, AND, OR, NOT, TRUE, FALSE and parentheses; NOT binds
 * most, OR least. (docs AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html)
 * @throws LocalStackError for whatever else CloudWatch knows
 */
export function parseRule(text: string): CompositeRule {
  const alarms = new Set<string>();
  const tokens: (string | { state: AlarmState; alarm: string })[] = [];
  TOKEN.lastIndex = 0;
  const trimmed = text.trimEnd();
  while (TOKEN.lastIndex < trimmed.length) {
    const start = TOKEN.lastIndex;
    const match = TOKEN.exec(trimmed);
    if (match === null) throw unknown(text, trimmed.slice(start));
    const [, state, name, word, parenthesis] = match;
    if (state !== undefined && name !== undefined) {
      const alarm = name.replace(/^"|"$/g, '');
      alarms.add(alarm);
      tokens.push({ state: state as AlarmState, alarm });
    } else tokens.push(word ?? parenthesis ?? '');
  }

  let at = 0;
  const chain = (word: 'AND' | 'OR', next: () => Term, decide: (a: boolean, b: boolean) => boolean): Term => {
    let left = next();
    while (tokens[at] === word) {
      at += 1;
      const [before, after] = [left, next()];
      left = (stateOf) => decide(before(stateOf), after(stateOf));
    }
    return left;
  };
  const either = (): Term => chain('OR', all, (a, b) => a || b);
  const all = (): Term => chain('AND', one, (a, b) => a && b);
  const one = (): Term => {
    const token = tokens[at];
    at += 1;
    if (typeof token === 'object') return (stateOf) => stateOf(token.alarm) === token.state;
    if (token === 'TRUE' || token === 'FALSE') return () => token === 'TRUE';
    if (token === 'NOT') {
      const inner = one();
      return (stateOf) => !inner(stateOf);
    }
    if (token !== '(') throw unknown(text, String(token ?? 'its end'));
    const inner = either();
    if (tokens[at] !== ')') throw unknown(text, String(tokens[at] ?? 'its end'));
    at += 1;
    return inner;
  };
  const root = either();
  if (at < tokens.length) throw unknown(text, String(tokens[at]));
  return { alarms: [...alarms], holds: root };
}

function unknown(rule: string, where: string): LocalStackError {
  return new LocalStackError(
    `The rule of a composite alarm can not be read at "${where}": extend local/alarms/composite-rule.ts. The rule: ${rule}`,
  );
}
