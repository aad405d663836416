// The tables of npm run bench:cost, as Markdown, and the targets: reached or missed.
import type { Cell, MatrixAnswer } from './matrix.ts';
import type { Compared } from './proof.ts';
import { type Figures, PACKED, type System, type TallyFigures } from './systems.ts';

const NAMES: Readonly<Record<System, string>> = {
  update: 'UpdateItem',
  idempotent: 'idempotency record',
  markers: 'marker, then reduced',
  transaction: 'transaction',
  tally: 'Tally',
  packed: 'Tally, packed',
};
const OTHERS = ['update', 'idempotent', 'markers', 'transaction'] as const;

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Three significant digits; whole above 100. */
export function short(value: number): string {
  if (value === 0) return '0';
  return Math.abs(value) >= 100
    ? Math.round(value).toLocaleString('en')
    : String(Number(value.toPrecision(Math.abs(value) < 0.01 ? 2 : 3)));
}

/** What is measured, and how. */
export function method({ region, asOf }: { readonly region: string; readonly asOf: string }): string {
  return `Method: each system gets the same events, in their order, on a clock of their own: nothing sleeps. Tally is aggregate() and writeRollups() on their own
adapters, from Lambda's event with base64 on, on shards with 2 million segments behind them; the idempotency record is Powertools' makeIdempotent around the UpdateItem; "marker, then reduced" is the pattern of
aws-samples/aws-serverless-realtime-aggregation; the transaction is a TransactWriteItems with a marker. The SDK's clients are answered from memory, which charges
DynamoDB's documented units for the very commands; below, the emulator charges the same. A batch ends after its window, with 6 MB or 10,000 records; five pollers share
the queue's messages by chance, each with a window of its own. Shards: as many as the load needs. Buckets: as wide as the plan finds cheapest, and no wider than a
run is long. Packed: up to ${PACKED} events a record, in 16 buckets of ids, sent after a second at the latest. Ledger and counters are all of Tally's writes but books (a few units a
minute), days, months and totals. US dollars: DynamoDB's units, SQS requests as billed, Kinesis' payload units; ${region}, ${asOf}. What all need (front door, shards,
Lambda) is not in them. Node ${process.version}.`;
}

function where({ workload, perSecond, windowSeconds }: Cell): string[] {
  return [workload, perSecond.toLocaleString('en'), String(windowSeconds)];
}

const WHERE = ['workload', 'events/s', 'window, s'];

function figuresOf({ others, tally, packed }: Cell): Map<System, Figures> {
  return new Map([...others, tally, packed].map((figures) => [figures.system, figures]));
}

/** A table with a column a system. */
function bySystem(
  cells: readonly Cell[],
  of: (figures: Figures) => number,
  more: readonly string[] = [],
): string {
  const systems = [...OTHERS, 'tally', 'packed'] as const;
  return table(
    [...WHERE, ...systems.map((system) => NAMES[system]), ...more],
    cells.map((cell) => {
      const each = figuresOf(cell);
      const value = (system: System) => of(each.get(system) as Figures);
      const ratios = [value('update') / value('tally'), value('update') / value('packed')];
      return [
        ...where(cell),
        ...systems.map((system) => short(value(system))),
        ...(more.length > 0 ? ratios.map((ratio) => `${short(ratio)} ×`) : []),
      ];
    }),
  );
}

/** Write units an event. */
export function costTable(cells: readonly Cell[]): string {
  return `Write units an event:\n\n${bySystem(cells, ({ writeUnits }) => writeUnits / 1e6, ['fewer than UpdateItem', 'packed'])}`;
}

/** US dollars for a million events. */
export function dollarsTable(cells: readonly Cell[]): string {
  return `US dollars for a million events:\n\n${bySystem(cells, ({ usd }) => usd)}`;
}

const pair = (a: number, b: number) => (short(a) === short(b) ? short(a) : `${short(a)}, ${short(b)}`);

/** Calls, requests and bytes of a million events; with one event a record, and packed. */
export function usageTable(cells: readonly Cell[]): string {
  const calls = table(
    [
      ...WHERE,
      'calls: marker, then reduced',
      'calls: Tally',
      'updates of counters an event',
      'read units',
      'SQS requests',
      'SQS, KB',
      'fill of what a send is billed for, %',
      'Kinesis units',
      'shards',
      'bucket, minutes',
    ],
    cells.map((cell) => {
      const { tally: a, packed: b } = cell;
      return [
        ...where(cell),
        short(figuresOf(cell).get('markers')?.sdkCalls ?? 0),
        pair(a.sdkCalls, b.sdkCalls),
        pair(a.updates, b.updates),
        pair(a.readUnits, b.readUnits),
        pair(a.sqsRequests, b.sqsRequests),
        pair(a.sqsKb, b.sqsKb),
        pair(100 * a.messageFill, 100 * b.messageFill),
        pair(a.putUnits, b.putUnits),
        pair(a.shards, b.shards),
        pair(a.bucketMinutes, b.bucketMinutes),
      ];
    }),
  );
  return `What a million events take; two figures are those of one event a record, and of packed ones. An UpdateItem an event and a transaction make a million calls, an
idempotency record three million:\n\n${calls}`;
}

/** The plan's formulas against what was measured; days, months and totals are the plan's alone. */
export function planTable(cells: readonly Cell[]): string {
  const rows = cells.flatMap((cell) => [row(cell, cell.tally), row(cell, cell.packed)]);
  const near = (made: boolean) => {
    const some = rows.filter((each) => made === (each.workload === 'zipf'));
    return `${some.filter(({ off }) => Math.abs(off) <= 5).length} of ${some.length}`;
  };
  const text = `Measured, and in brackets by the formulas of \`npm run plan\`, for an event. The formulas know how frequent each entity is, and not that real events of one come in
bursts: within 5 % are ${near(true)} sums of write units of zipf, and ${near(false)} of real logs. Window reads and levels are the plan's alone: runs are shorter than a dedup window and
than an hour. Windows of 10 s are left out:`;
  const head = [
    ...WHERE,
    'record of',
    'events a segment',
    'counters, write units',
    'ids',
    'rest of the ledger',
    'SQS requests',
    'write units off, %',
    'window reads, read units',
    'levels, write and read units',
  ];
  return `${text}\n\n${table(
    head,
    rows.filter(({ windowSeconds }) => windowSeconds !== 10).map(({ cells: values }) => values),
  )}`;
}

function row(cell: Cell, { system, measured: m, planned: p }: TallyFigures) {
  const both = (a: number, b: number) => `${short(a)} (${short(b)})`;
  const sums = [m, p].map(({ counterUnits, idUnits, ledgerUnits }) => counterUnits + idUnits + ledgerUnits);
  const off = 100 * ((sums[1] ?? 0) / (sums[0] ?? 1) - 1);
  return {
    off,
    workload: cell.workload,
    windowSeconds: cell.windowSeconds,
    cells: [
      ...where(cell),
      system === 'tally' ? '1' : `up to ${PACKED}`,
      both(m.eventsASegment, p.eventsASegment),
      both(m.counterUnits, p.counterUnits),
      both(m.idUnits, p.idUnits),
      both(m.ledgerUnits, p.ledgerUnits),
      both(m.sqsRequests, p.sqsRequests),
      short(off),
      short(p.windowReadUnits),
      pair(p.levelUnits, p.levelReadUnits),
    ],
  };
}

/** Whole logs at 1,000 events/s with windows of 60 s. */
export function wholeTable(answers: readonly MatrixAnswer[]): string {
  const rows = answers.flatMap(({ cells, whole }) =>
    whole.map(({ pollers, figures }) => {
      const { counterUnits, idUnits, ledgerUnits } = figures.measured;
      const ratios = ratiosOf(cells, figures);
      return [
        cells[0]?.workload ?? '',
        figures.system === 'tally' ? '1' : `up to ${PACKED}`,
        String(pollers),
        ...[counterUnits, idUnits, ledgerUnits, counterUnits + idUnits + ledgerUnits].map(short),
        ...[1 / counterUnits, ratios.update, ratios.idempotent].map((ratio) => `${short(ratio)} ×`),
        short(figures.usd),
      ];
    }),
  );
  const head = [
    'whole log',
    'record of',
    'pollers',
    'counters',
    'ids',
    'rest of the ledger',
    'all',
    'counters alone fewer than UpdateItem',
    'all fewer than UpdateItem',
    'all fewer than the idempotency record',
    'USD a million',
  ];
  return `Whole logs, 1,000 events/s, windows of 60 s, write units an event. Lambda's documentation says five pollers; fewer is what it would be if they shared less:\n\n${table(head, rows)}`;
}

function ratiosOf(cells: readonly Cell[], { writeUnits }: Figures) {
  const other = (system: System) =>
    cells[0]?.others.find((figures) => figures.system === system)?.writeUnits ?? 0;
  return { update: other('update') / writeUnits, idempotent: other('idempotent') / writeUnits };
}

/** The targets, each reached or missed. */
export function targets(answers: readonly MatrixAnswer[]): string {
  const lines: string[] = [];
  const judge = (what: string, value: number, target: number, sign: 'at least' | 'below') => {
    const reached = sign === 'below' ? value < target : value >= target;
    lines.push(`- ${what}: ${short(value)}, ${sign} ${target}: **${reached ? 'reached' : 'missed'}**`);
  };
  for (const { cells, whole } of answers) {
    for (const { figures } of whole.filter(({ pollers }) => pollers === 5)) {
      const kind = figures.system === 'tally' ? 'one event a record' : 'packed';
      const { update, idempotent } = ratiosOf(cells, figures);
      if (cells[0]?.workload === 'higgs') {
        judge(
          `higgs, ${kind}: times fewer write units than the idempotency record an event`,
          idempotent,
          15,
          'at least',
        );
        judge(`higgs, ${kind}: times fewer than an UpdateItem an event`, update, 5, 'at least');
      } else {
        judge(
          `thebutton, ${kind}: times fewer than an UpdateItem, counters alone`,
          1 / figures.measured.counterUnits,
          500,
          'at least',
        );
        judge(
          `thebutton, ${kind}: times fewer than an UpdateItem, ids and ledger included`,
          update,
          500,
          'at least',
        );
      }
      judge(
        `${cells[0]?.workload}, ${kind}: write units an event for ids`,
        figures.measured.idUnits,
        0.02,
        'below',
      );
    }
  }
  return `Targets, at 1,000 events/s with windows of 60 s and five pollers:\n\n${lines.join('\n')}`;
}

/** Memory against the emulator. */
export function proofTable(compared: readonly Compared[]): string {
  const rows = compared.map(({ system, calls, inMemory, onEmulator, failed, sqsRequests }) => [
    NAMES[system],
    short(calls),
    inMemory.map(short).join(', '),
    onEmulator.map(short).join(', '),
    short(failed),
    short(sqsRequests),
  ]);
  const head = [
    'system',
    'SDK calls',
    'write and read units in memory',
    'on the emulator',
    'failed conditions',
    'SQS requests',
  ];
  return `Memory against the emulators (dynalite's ConsumedCapacity), some events sent twice. What failed costs as well, which the emulator does not say, and it has no
transactions: both are counted by the formula alone, and stand here undoubled and without what failed:\n\n${table(head, rows)}`;
}
