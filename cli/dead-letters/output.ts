// Formats dead letters for a terminal, and as JSON.
import type { Outcome } from '../../lambdas/redriver/operate.ts';
import type { Plan, Result } from './act.ts';
import { type DeadLetterFacts, plainRow } from './facts.ts';

/** A dead letter in a line of `list --json`: everything but its rows, which name entities. */
export function listed({ rows: _, history: __, holds, ...facts }: DeadLetterFacts) {
  return { ...facts, rows: holds.rows };
}

/** Dead letters as a table, the earliest failure first. */
export function table(messages: readonly DeadLetterFacts[]): string {
  const lines = messages
    .toSorted((a, b) => (a.firstFailureAt ?? '').localeCompare(b.firstFailureAt ?? ''))
    .map((facts) => [
      facts.name,
      facts.place,
      String(facts.events),
      `${facts.attempts}/${facts.rounds}`,
      facts.firstFailureAt?.slice(0, 19) ?? '-',
      facts.lastFailureAt?.slice(0, 19) ?? '-',
      age(facts.firstFailureAt),
      facts.reason.slice(0, 100),
    ]);
  const head = ['NAME', 'PLACE', 'EVENTS', 'TRIES/ROUNDS', 'FIRST FAILURE', 'LAST FAILURE', 'AGE', 'REASON'];
  const all = [head, ...lines];
  const widths = head.map((_, column) => Math.max(...all.map((cells) => (cells[column] ?? '').length)));
  return all
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function age(at: string | undefined): string {
  if (at === undefined) return '-';
  const minutes = Math.max(0, Math.floor((Date.now() - Date.parse(at)) / 60_000));
  if (minutes < 120) return `${minutes} min`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`;
}

/** One dead letter in full; entities only if `withRows`. */
export function shown({ rows, ...facts }: DeadLetterFacts, withRows: boolean) {
  return { ...facts, ...(withRows && { rows: rows.map(plainRow) }) };
}

/** One dead letter in full, as text. */
export function page(facts: DeadLetterFacts, withRows: boolean): string {
  const { history, holds } = facts;
  const metrics = Object.entries(holds.eventsByMetric).map(([metric, events]) => `${metric} ${events}`);
  const lines = [
    `${facts.name}, ${facts.place}${facts.poison ? ', poison' : ''}`,
    `  reason    ${facts.reason}`,
    `  attempts  ${facts.attempts} in ${facts.rounds} rounds of redrive`,
    `  holds     ${holds.events} events in ${holds.rows} rows of ${holds.entities} entities: ${metrics.join(', ')}`,
    `  hours     ${holds.hours.join(' ')}`,
    '  failures',
  ];
  const failures = history?.failures ?? [];
  const omitted = history?.failuresOmitted ?? 0;
  for (const [place, { at, round, attempts, reason }] of failures.entries()) {
    if (omitted > 0 && place === failures.length / 2) lines.push(`    … ${omitted} more …`);
    lines.push(`    ${at}  round ${round}, ${attempts} attempts: ${reason}`);
  }
  if (failures.length === 0)
    lines.push(`    first ${facts.firstFailureAt ?? 'unknown'}, last ${facts.lastFailureAt ?? 'unknown'}`);
  if (withRows) for (const row of facts.rows) lines.push(`  ${JSON.stringify(plainRow(row))}`);
  return lines.join('\n');
}

/** A plan in one line. */
export function planned(verb: string, { waiting, parked }: Plan): string {
  const parts = Object.entries({ waiting, parked })
    .filter(([, messages]) => messages.size > 0)
    .map(([place, messages]) => {
      const events = [...messages.values()].reduce((sum, facts) => sum + facts.events, 0);
      return `${messages.size} ${place} with ${events} events`;
    });
  return `${verb} ${parts.join(', and ')}`;
}

const OUTCOMES: Readonly<Record<Outcome, string>> = {
  returned: 'sent to the rollup queue',
  parked: 'parked',
  discarded: 'discarded',
  counted: 'already counted, and removed',
  poison: 'refused: poison is not a rollup message; discard it',
};

/** The result in one or two lines. */
export function summary({ done, failures, gone, left, interrupted }: Result): string {
  const lines = [...done].map(([outcome, messages]) => `${messages} ${OUTCOMES[outcome]}`);
  if (failures.length > 0) lines.push(`${failures.length} failed and were not moved`);
  if (gone.length > 0) lines.push(`${gone.length} gone, or held by another command: ${gone.join(' ')}`);
  if (interrupted) lines.push(`interrupted: ${left} are unchanged`);
  else if (left > 0) lines.push(`${left} were not reached in time: run it again`);
  for (const { name, reason } of failures.slice(0, 10)) lines.push(`  ${name}: ${reason}`);
  return lines.join('\n');
}
