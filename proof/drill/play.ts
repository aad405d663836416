// Plays scenarios (before, during, after) on one local stack, reports what happens, and judges it.
import { readFileSync } from 'node:fs';
import type { CompositeAlarm, MetricAlarm } from '../../local/alarms/template-alarms.ts';
import type { AlarmChange } from '../../local/alarms/watch.ts';
import { type Status, statusLine } from '../../local/status.ts';
import { synthesize } from '../../local/synthesize.ts';
import { minuteOf } from '../oracle/truth.ts';
import { type Drill, type MinuteOptions, startDrill } from './drill.ts';
import type { Comparison } from './oracle.ts';
import { SCENARIOS, type Scenario, type Stage } from './scenarios.ts';

const BEFORE_MINUTES = 2;
/** How long alarms may take to clear, and for how long they must then stay off, since five-minute spans slide. */
const AFTER_MINUTES_MAX = 45;
const QUIET_MINUTES = 5;
/** How much of a command's output is shown, and how far to the right. */
const SHOWN_LINES_MAX = 5;
const INDENT = ' '.repeat(20);

/** The headings of docs/runbook.md: each step of the operator must be in one of its sections. */
export function runbookSections(): ReadonlySet<string> {
  const path = new URL('../../docs/runbook.md', import.meta.url);
  return new Set([...readFileSync(path, 'utf8').matchAll(/^#+ (.*)$/gm)].map((match) => match[1] ?? ''));
}

/** Plays scenarios and prints what happens. @returns 0 when every expected alarm went off, no other one, and all counts are right */
export async function playDrill(names?: readonly string[]): Promise<number> {
  const started = performance.now();
  // The batching window would only make each minute of the drill a second longer.
  const drill = await startDrill(await synthesize(undefined, { aggregatorWindowSeconds: 0 }));
  const verdicts: Awaited<ReturnType<typeof playScenario>>[] = [];
  try {
    for (const scenario of SCENARIOS) {
      if (names?.includes(scenario.name) !== false) verdicts.push(await playScenario(scenario, drill));
    }
  } finally {
    await drill.stop();
  }
  const seconds = Math.round((performance.now() - started) / 1_000);
  console.log(`\n## All in all (${seconds} s)\n`);
  for (const { name, fired, failures } of verdicts) {
    const verdict = failures.length === 0 ? 'ok   ' : 'WRONG';
    console.log(`${verdict}  ${name}: ${fired.join(', ') || 'no alarm'}`);
  }
  return verdicts.every(({ failures }) => failures.length === 0) ? 0 : 1;
}

/** Plays a scenario on a drill, and prints what happens. @returns the alarms that went off, and what was wrong */
async function playScenario(scenario: Scenario, drill: Drill) {
  console.log(`\n## ${scenario.title}\n`);
  const firstMs = drill.clock.nowMs();
  const fired = new Map<string, AlarmChange['alarm']>();
  let phase = 'before';
  let brokeMs = firstMs;
  const say = (text: string) =>
    console.log(`${phase.padEnd(9)}${timeOf(drill.clock.nowMs() - firstMs)}  ${text}`);
  const minutes = async (count: number, options?: MinuteOptions) => {
    for (let passed = 0; passed < count; passed += 1) {
      for (const change of await drill.minute(options)) {
        const { alarm, to } = change;
        if (to === 'ALARM') fired.set(alarm.name, alarm);
        say(`${to.padEnd(6)} ${alarm.name}${to === 'ALARM' ? conditionOf(change) : ''}`);
      }
    }
  };
  const operator: Stage['operator'] = async (section, command, act) => {
    if (!runbookSections().has(section)) throw new Error(`docs/runbook.md has no section "${section}"`);
    phase = 'operator';
    say(`by the runbook, "${section}":`);
    console.log(`${INDENT}$ ${command}`);
    return act();
  };
  const stage: Stage = {
    drill,
    say,
    minutes,
    breaks: (text) => {
      phase = 'during';
      brokeMs = drill.clock.nowMs();
      say(text);
    },
    untilAlarm: async (name, minutesMax, options) => {
      for (let passed = 0; passed < minutesMax; passed += 1) {
        await minutes(1, options);
        if (drill.watch.alarming().some((alarm) => alarm.name === name)) return;
      }
      throw new Error(`the alarm ${name} did not go off within ${minutesMax} minutes`);
    },
    operator,
    operatorRuns: async (section, args) => {
      const shown = args.map((arg) => (arg.includes(' ') ? `"${arg}"` : arg)).join(' ');
      const output = await operator(section, `npx tally ${shown} --url URL`, () => drill.tally(...args));
      const lines = output.split('\n');
      for (const line of lines.slice(0, SHOWN_LINES_MAX)) console.log(INDENT + line);
      if (lines.length > SHOWN_LINES_MAX)
        console.log(`${INDENT}… ${lines.length - SHOWN_LINES_MAX} lines more`);
      return output;
    },
  };

  const failures: string[] = [];
  try {
    await minutes(BEFORE_MINUTES);
    const on = drill.watch.alarming().map(({ name }) => name);
    say(`${statusLine(await drill.stack.status())}; alarms on: ${on.join(', ') || 'none'}`);
    if (on.length > 0) failures.push(`alarms were on before anything broke: ${on.join(', ')}`);
    await scenario.play(stage);
    phase = 'after';
    for (let passed = 0, quiet = 0; passed < AFTER_MINUTES_MAX && quiet < QUIET_MINUTES; passed += 1) {
      await minutes(1);
      quiet = (await isOver(drill)) ? quiet + 1 : 0;
    }
  } catch (error) {
    failures.push(error instanceof Error ? error.message : String(error));
  }
  failures.push(...judgeAlarms(scenario, [...fired.values()], drill.watch.alarming()));
  for (const alarm of fired.values()) {
    if (alarm.kind === 'metric') console.log(`         ${course(alarm, drill, brokeMs)}`);
  }
  failures.push(...(await checkCounts(drill, say)));
  if (failures.length === 0) console.log('         as it should be');
  for (const each of failures) console.log(`         WRONG: ${each}`);
  return { name: scenario.name, fired: [...fired.keys()], failures };
}

async function isOver(drill: Drill): Promise<boolean> {
  const { received, duplicate, inFlight, dead } = await drill.stack.status();
  const counted = inFlight + dead === 0 && received - duplicate === drill.expected();
  return counted && drill.watch.alarming().length === 0;
}

/** Compares every count with the oracle, and checks that every event is in one place. */
async function checkCounts(drill: Drill, say: (text: string) => void): Promise<string[]> {
  const comparison = await drill.oracle.compare(drill.stack.url);
  const status = await drill.stack.status();
  const waiting = drill.producers.waiting();
  const failures = judgeCounts({ ...comparison, status, expected: drill.expected(), waiting });
  say(statusLine(status));
  if (failures.length === 0) {
    const { entities, minutes, events } = comparison;
    const compared = `${entities} entities, ${minutes} minutes, ${events} events`;
    say(`oracle: ${compared}: all counts equal; the status adds up`);
  }
  return failures;
}

function conditionOf({ alarm, value }: AlarmChange): string {
  if (alarm.kind === 'composite') return '';
  return `: ${alarm.shown}; now ${shown(value)}`;
}

/** How an alarm's value moved: `before → furthest from it → now`. */
function course(alarm: MetricAlarm, { points, clock }: Drill, brokeMs: number): string {
  const valueAt = (toMs: number) => alarm.value(points, toMs - alarm.periodMs, toMs);
  const nowMs = minuteOf(clock.nowMs());
  const start = minuteOf(brokeMs);
  const before = valueAt(start);
  // Without a breaching value, missing data caused the alarm.
  let worst: number | undefined;
  for (let atMs = start + 60_000; atMs <= nowMs; atMs += 60_000) {
    const value = valueAt(atMs);
    if (value !== undefined && value > (worst ?? alarm.condition.threshold)) worst = value;
  }
  return `${alarm.name}: ${shown(before)} → ${shown(worst)} → ${shown(valueAt(nowMs))}`;
}

function shown(value: number | undefined): string {
  return value === undefined ? 'no data' : value.toLocaleString('en-US', { maximumFractionDigits: 3 });
}

function timeOf(ms: number): string {
  return `+${String(Math.floor(ms / 60_000)).padStart(2, '0')} min`;
}

type Judged = Pick<MetricAlarm | CompositeAlarm, 'name' | 'kind'>;

/**
 * Problems with a scenario's alarms; empty if there are none. Composite alarms follow the others, so scenarios do not name them.
 * @param fired every alarm that went off; `on`: those that are on in the end
 */
export function judgeAlarms(
  { fires, mayFire = {} }: Pick<Scenario, 'fires' | 'mayFire'>,
  fired: readonly Judged[],
  on: readonly Judged[],
): string[] {
  const failures = fires
    .filter((name) => !fired.some((alarm) => alarm.name === name))
    .map((name) => `${name} did not go off`);
  for (const { name, kind } of fired) {
    const meant = kind === 'composite' || fires.includes(name) || Object.hasOwn(mayFire, name);
    if (!meant) failures.push(`${name} went off, and should not have`);
  }
  if (on.length > 0) failures.push(`alarms are still on: ${on.map(({ name }) => name).join(', ')}`);
  return failures;
}

/**
 * Problems with the counts; empty if every count equals what was sent, and every event is in one place.
 * @param outcome `expected`: events that were accepted, the canary's among them; `waiting`: requests that never were
 */
export function judgeCounts(
  outcome: Pick<Comparison, 'differences'> & Record<'expected' | 'waiting', number> & { status: Status },
): string[] {
  const { differences, status, expected, waiting } = outcome;
  const failures = differences.map(
    ({ entity, at, sent, counted }) => `${entity} ${at}: sent ${sent}, counted ${counted}`,
  );
  const { received, duplicate, rejected, counted, inFlight, dead, parked, expired, lost } = status;
  const elsewhere = rejected + inFlight + dead + parked + expired + lost;
  const difference = received - (duplicate + counted + elsewhere);
  if (difference !== 0) failures.push(`the status does not add up: ${difference} events too many or too few`);
  if (elsewhere !== 0) failures.push(`${elsewhere} events are not counted`);
  const missing = expected - (received - duplicate);
  if (missing !== 0) failures.push(`accepted and received differ by ${missing} events`);
  if (waiting > 0) failures.push(`${waiting} requests were never accepted`);
  return failures;
}
