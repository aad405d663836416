// What questions must be answered at rest: whatever they are read from, page by page, what the counter items hold.
import { InvalidCountQuery, parseCountQuery } from '../../lambdas/counting/count-query.ts';
import type { RetentionsMs } from '../../lambdas/counting/levels.ts';
import { type QueryPorts, readCounts } from '../../lambdas/query/read-counts.ts';
import type { World } from '../world/world.ts';
import { heldByCounter } from './levels-at-rest.ts';
import { Violation } from './violation.ts';

/** Every grain, and days that begin within an hour. */
const QUESTIONS: readonly Readonly<Record<string, string>>[] = [
  { by: 'minute' },
  { by: 'hour' },
  { by: 'day' },
  { by: 'day', tz: 'Asia/Kathmandu' },
  { by: 'month' },
  { by: 'month', tz: 'Europe/Berlin' },
  { by: 'total' },
];

/** Asks every question about every counter. @throws Violation for a sum that the counter items do not hold */
export async function checkAnswers(
  world: World,
  ports: QueryPorts,
  retentionsMs: RetentionsMs,
): Promise<void> {
  const nowMs = ports.clock.nowMs();
  for (const [name, { sum, firstMs }] of heldByCounter(world)) {
    const [metric = '', entity = ''] = name.split('\n');
    const to = String(nowMs - (nowMs % 86_400_000) + 2 * 86_400_000);
    for (const question of QUESTIONS) {
      let total = 0n;
      let parameters: Readonly<Record<string, string>> | undefined = {
        ...question,
        from: String(firstMs),
        to,
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
