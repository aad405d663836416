// Counts of one entity over time: chart, total, change, table, CSV and PNG.
import { useMemo, useRef, useState } from 'preact/hooks';
import type { Api, Count, CountsAnswer } from '../api.ts';
import type { MetricDirectory } from '../directory.ts';
import { usePoll } from '../hooks.ts';
import { csvOf } from '../logic/csv.ts';
import { change, shownName, whole } from '../logic/format.ts';
import { GRAINS, type Question, RANGES, type Stretch, stretchOf } from '../logic/question.ts';
import { clockTime, shownTime } from '../logic/zone.ts';
import { Chart, type ChartSeries } from '../parts/chart.tsx';
import { Choice, Combobox, Select } from '../parts/fields.tsx';
import { saveCsv, savePng } from '../parts/save.ts';
import { Empty, Failed, Loading } from '../parts/states.tsx';
import { ownZone, pollMs } from '../place.ts';

export interface ViewProps {
  readonly api: Api;
  readonly directory: MetricDirectory;
  readonly question: Question;
  readonly ask: (change: Partial<Question>, how?: 'push' | 'replace') => void;
  readonly linkTo: (change: Partial<Question>) => string;
}

/** What the view reads: the stretch, and the total of all time. */
interface Read {
  readonly stretch: Stretch;
  readonly answer: CountsAnswer;
  readonly allTime: Count;
}

/** Entities offered by the field. */
const SUGGESTED = 100;

const ZONES: readonly (readonly [string, string])[] = zones();

export function CountsView(props: ViewProps) {
  const { api, directory, question, ask } = props;
  const { metric, entity } = question;
  const suggestions = usePoll(metric === '' ? undefined : metric, undefined, async (signal) => {
    const periods = ['hour', 'day', 'total'] as const;
    const tops = await Promise.all(periods.map((by) => api.top(metric, { by, k: SUGGESTED }, { signal })));
    return tops.flatMap(({ entries }) => entries.map((each) => each.entity));
  });
  const entities = useMemo(
    () => [...new Set([...(suggestions.data ?? []), ...directory.entities(metric)])],
    [suggestions.data, metric, entity],
  );
  return (
    <section aria-label="Counts">
      <div class="controls">
        <Combobox
          label="Metric"
          value={metric}
          placeholder="such as view"
          options={directory.metrics()}
          onChoose={(chosen) => ask({ metric: chosen, entity: '' })}
        />
        <Combobox
          label="Entity"
          value={entity}
          placeholder="such as /pricing"
          options={entities}
          onChoose={(chosen) => {
            directory.note(metric, chosen);
            ask({ entity: chosen });
          }}
        />
        <Select
          label="Time zone"
          value={question.tz}
          options={
            ZONES.some(([zone]) => zone === question.tz) ? ZONES : [[question.tz, question.tz], ...ZONES]
          }
          onChoose={(tz) => ask({ tz })}
        />
      </div>
      <div class="controls">
        <Choice
          label="Range"
          value={question.fromMs === undefined ? question.range : undefined}
          options={RANGES.map((range) => [range, range] as const)}
          onChoose={(range) => ask({ range, fromMs: undefined, toMs: undefined, by: undefined })}
        />
        <Choice
          label="Grain"
          value={stretchOf(question, Date.now()).by}
          options={GRAINS.map((grain) => [grain, grain] as const)}
          onChoose={(by) => ask({ by })}
        />
        <label class="check">
          <input
            type="checkbox"
            checked={question.compare}
            onChange={({ currentTarget }) => ask({ compare: currentTarget.checked })}
          />
          Compare with the stretch before
        </label>
      </div>
      {metric === '' || entity === '' ? (
        <Empty title={metric === '' ? 'Choose a metric' : 'Choose an entity'}>
          {metric === ''
            ? 'A metric is what you count: view, play, like. Type its name above.'
            : 'An entity is what you count it of: a page, a video. Type its name above, or take one from the list.'}
        </Empty>
      ) : (
        <Answer {...props} />
      )}
    </section>
  );
}

function Answer({ api, question, ask }: ViewProps) {
  const { metric, entity, tz, compare } = question;
  const canvas = useRef<HTMLCanvasElement | undefined>(undefined);
  const { fromMs, toMs, range, by } = question;
  const key = JSON.stringify([metric, entity, tz, compare, fromMs, toMs, range, by]);
  const moves = fromMs === undefined;
  const polled = usePoll<Read>(key, moves ? Math.max(pollMs, 2_000) : undefined, async (signal) => {
    const stretch = stretchOf(question, Date.now());
    const zoned = stretch.by !== 'minute' && stretch.by !== 'hour';
    const asked = {
      from: stretch.fromMs,
      to: stretch.toMs,
      by: stretch.by,
      fill: 'zero' as const,
      ...(zoned ? { tz } : {}),
      // Always: the change is shown, whether the stretch before is drawn or not.
      compare: 'previous' as const,
    };
    const [answer, { total }] = await Promise.all([
      api.counts(metric, entity, asked, { signal }),
      api.counts(metric, entity, {}, { signal }),
    ]);
    return { stretch, answer, allTime: total };
  });
  const { data, failure, isCurrent } = polled;
  if (failure !== undefined && (failure.kind === 'refused' || data === undefined))
    return <Failed failure={failure} />;
  if (data === undefined) return <Loading what="the counts" />;
  const { answer, stretch, allTime } = data;
  const times = answer.points.map(({ at }) => Date.parse(at));
  const series = seriesOf(answer, compare);
  const through = answer.completeThrough === null ? undefined : Date.parse(answer.completeThrough);
  const before = answer.previous?.total ?? 0;
  const differs = change(Number(before), Number(answer.total));
  const summary = `${answer.total} ${metric} of ${shownName(entity)} by ${answer.grain}, from ${shownTime(stretch.fromMs, tz, 'minute')} to ${shownTime(stretch.toMs, tz, 'minute')}. Use the arrow keys to hear each point, or open the table below.`;
  const fileName = `${metric}-${answer.grain}`;
  return (
    <div class={isCurrent ? '' : 'stale'}>
      <div class="tiles">
        <Tile label={stretch.moves ? `Last ${LONG[range]}` : 'In this stretch'} value={whole(answer.total)} />
        <Tile
          label="Against the stretch before"
          value={differs === undefined ? '–' : `${differs.up ? '▲' : '▼'} ${differs.text}`}
          tone={differs === undefined ? '' : differs.up ? 'good' : 'bad'}
          note={`${whole(before)} before`}
        />
        <Tile label="All time" value={whole(allTime)} />
        <Tile
          label="Complete through"
          value={through === undefined ? 'not yet' : clockTime(through, tz)}
          note={
            through === undefined ? 'known a minute after the start' : 'every event that arrived before is in'
          }
        />
      </div>
      <div class="card">
        <div class="card-head">
          <h2>
            {metric} · <bdi>{shownName(entity)}</bdi>
          </h2>
          <div class="row">
            {!stretch.moves && (
              <button
                type="button"
                onClick={() => ask({ fromMs: undefined, toMs: undefined, by: undefined })}
              >
                Zoom out
              </button>
            )}
            <button type="button" onClick={() => saveCsv(fileName, csvOf(metric, entity, csvPoints(answer)))}>
              CSV
            </button>
            <button
              type="button"
              onClick={() =>
                canvas.current && savePng(fileName, canvas.current, `${metric} · ${shownName(entity)}`)
              }
            >
              PNG
            </button>
          </div>
        </div>
        {[answer.total, before, allTime].every((total) => Number(total) === 0) ? (
          <Empty title="Nothing counted yet">
            Tally has no {metric} of <bdi>{shownName(entity)}</bdi>. Check the spelling, or send one:
            <pre>{curlFor(metric, entity)}</pre>
          </Empty>
        ) : (
          <Chart
            times={times}
            series={series}
            tz={tz}
            grain={answer.grain}
            height={300}
            summary={summary}
            completeThroughMs={through}
            stepMs={STEP_MS[stretch.by]}
            onZoom={(from, to) => ask({ fromMs: from, toMs: to, by: undefined })}
            onCanvas={(made) => {
              canvas.current = made;
            }}
          />
        )}
        <div class="legend">
          <span class="key accent">final</span>
          <span class="key accent faint">provisional: late events may still come</span>
          {compare && <span class="key previous">the stretch before</span>}
          {answer.note !== undefined && <span class="muted">{answer.note}</span>}
          <span class="muted hint">Drag across the chart to zoom.</span>
        </div>
        <Table answer={answer} tz={tz} />
      </div>
      <p class="muted below">The whole question is in the URL: copy it to share what you see.</p>
    </div>
  );
}

const STEP_MS: Readonly<Record<Stretch['by'], number>> = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 7 * 86_400_000,
  month: 28 * 86_400_000,
};

const LONG: Readonly<Record<Question['range'], string>> = {
  '1h': 'hour',
  '6h': '6 hours',
  '24h': '24 hours',
  '7d': '7 days',
  '30d': '30 days',
  '12mo': '12 months',
};

export interface TileProps {
  readonly label: string;
  readonly value: string;
  readonly note?: string;
  readonly tone?: string;
}

export function Tile({ label, value, note, tone = '' }: TileProps) {
  return (
    <div class="tile">
      <span class="muted">{label}</span>
      <b class={tone}>{value}</b>
      {note !== undefined && <small class="muted">{note}</small>}
    </div>
  );
}

function seriesOf({ points, previous }: CountsAnswer, compare: boolean): ChartSeries[] {
  const of = (state: string) => points.map((point) => (point.state === state ? Number(point.n) : null));
  const bars = { kind: 'bars', colour: '--accent' } as const;
  const before = previous?.points ?? [];
  return [
    { ...bars, label: 'final', values: of('final') },
    { ...bars, label: 'provisional', faint: true, values: of('provisional') },
    ...(compare
      ? [
          {
            label: 'before',
            kind: 'line',
            colour: '--muted',
            dashed: true,
            values: points.map((_, index) => numberOf(before[index]?.n)),
          } as const,
        ]
      : []),
  ];
}

/** Charts need numbers: beyond 2^53 the last digits are not seen. */
function numberOf(count: Count | undefined): number | null {
  return count === undefined ? null : Number(count);
}

function csvPoints({ points, previous }: CountsAnswer) {
  return points.map(({ at, n, state }, index) => ({ at, n, state, previous: previous?.points[index]?.n }));
}

function Table({ answer, tz }: { readonly answer: CountsAnswer; readonly tz: string }) {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>Table of points</summary>
      {open && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
        <div class="scroll" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">{answer.grain}</th>
                <th scope="col">count</th>
                <th scope="col">state</th>
              </tr>
            </thead>
            <tbody>
              {answer.points.map(({ at, n, state }) => (
                <tr key={at}>
                  <td>{shownTime(Date.parse(at), tz, answer.grain)}</td>
                  <td>{whole(n)}</td>
                  <td>{state}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}

function curlFor(metric: string, entity: string): string {
  const body = JSON.stringify({ events: [{ metric, entity }] }).replaceAll("'", "'\\''");
  return `curl -s ${location.origin}/v1/events -H 'content-type: application/json' -d '${body}'`;
}

function zones(): readonly (readonly [string, string])[] {
  const all = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')];
  return all.map((zone) => [zone, zone === ownZone ? `${zone} (this browser)` : zone] as const);
}
