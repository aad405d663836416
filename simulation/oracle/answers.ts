// What questions must be answered at rest: whatever they are read from, page by page, what the counter items hold.
import { InvalidCountQuery, parseCountQuery } from '../../lambdas/query/count-query.ts';
import type { RetentionsMs } from '../../lambdas/counting/levels.ts';
import { type QueryPorts, readCounts } from '../../lambdas/query/read-counts.ts';
import type { World } from '../world/world.ts';
import { heldByCounter, uncertainHours } from './levels-at-rest.ts';
import { Violation } from './violation.ts';

/** Every grain, and days that begin within an hour. */
const QUESTIONS: readonly Readonly<Record<string, string>>[] = [
  { by: 'minute', limit: '1000' },
  { by: 'hour' },
  { by: 'day' },
  { by: 'day', tz: 'Asia/Kathmandu' },
  { by: 'month' },
  { by: 'month', tz: 'Europe/Berlin' },
  { by: 'total' },
];

/** Of each counter a third of the questions is asked: the next one gets the next third, and a campaign asks everything. */
const THIRDS = 3;
const DAY_MS = 86_400_000;

/** Asks questions about every counter. @throws Violation for a sum that the counter items do not hold */
export async function checkAnswers(
  world: World,
  ports: QueryPorts,
  retentionsMs: RetentionsMs,
): Promise<void> {
  const nowMs = ports.clock.nowMs();
  // What was given up may be in the counter items, unknown to everybody, and no level takes that up.
  const uncertain = new Set([...uncertainHours(world)].map((name) => name.slice(0, name.lastIndexOf('\n'))));
  for (const [position, [name, { sum, firstMs, lastMs }]] of [...heldByCounter(world)].entries()) {
    if (uncertain.has(name)) continue;
    const [metric = '', entity = ''] = name.split('\n');
    for (const question of QUESTIONS.filter((_, index) => (index + position) % THIRDS === 0)) {
      let total = 0n;
      let parameters: Readonly<Record<string, string>> | undefined = {
        ...question,
        from: String(firstMs),
        // Weeks of empty minutes would say nothing; two days of them have pages to turn.
        to: String(question['by'] === 'minute' ? twoDaysOn(lastMs) : twoDaysOn(nowMs)),
      };
      while (parameters !== undefined) {
        const query = parseCountQuery(metric, entity, parameters, nowMs);
        const [read] = await readCounts([query], ports, { acceptPastMs: undefined, retentionsMs });
        if (read === undefined || read instanceof InvalidCountQuery) throw read ?? new Error('no answer');
        total += read.answer.total;
        parameters = read.answer.next === undefined ? undefined : { next: read.answer.next };
      }
      if (total !== sum) {
        const asked = Object.values(question).join(' ');
        throw new Violation(
          'levels are right',
          `${metric} of ${entity} by ${asked} is ${total}, and not ${sum}`,
        );
      }
    }
  }
}

/** The start of the day after the next. */
function twoDaysOn(atMs: number): number {
  return atMs - (atMs % DAY_MS) + 2 * DAY_MS;
}
