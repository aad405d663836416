// Counts of one entity over time.
import { useRef } from 'preact/hooks';
import { usePoll } from '../hooks.ts';
import { comparable, csvOf, pointsOf, zoneOf } from '../logic/answer.ts';
import { change, shownName, whole } from '../logic/format.ts';
import { RANGES, rangeOf } from '../logic/question.ts';
import { ceilTo, clockTime, floorTo, GRAIN_MS, GRAINS, shownTime } from '../logic/zone.ts';
import { Chart, type ChartSeries } from '../parts/chart.tsx';
import { Choice, Combobox } from '../parts/fields.tsx';
import { save, savePng } from '../parts/save.ts';
import { Shown, State } from '../parts/states.tsx';
import { FoldedTable } from '../parts/table.tsx';
import { ownZone, pollMs } from '../place.ts';
import { Card, MetricField, SendOne, Tile, type ViewProps } from './view.tsx';

const SUGGESTIONS_MAX = 100;
const ZONES = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')];

export function CountsView(props: ViewProps) {
  const { api, known, question, ask } = props;
  const { metric, entity, tz } = question;
  const suggested = usePoll(metric === '' ? undefined : metric, undefined, async (signal) => {
    const periods = ['hour', 'day', 'total'] as const;
    const asked = periods.map((by) => api.top(metric, { by, k: SUGGESTIONS_MAX }, { signal }));
    return (await Promise.all(asked)).flatMap(({ entries }) => entries.map((each) => each.entity));
  });
  const leading = (suggested.isCurrent && suggested.data) || [];
  const entities = new Set([...leading, ...(known.get(metric) ?? [])]);
  return (
    <section aria-label="Counts">
      <div class="row controls">
        <MetricField {...props} />
        <Combobox
          label="Entity"
          value={entity}
          placeholder="such as /pricing"
          options={[...entities]}
          onChoose={(chosen) => ask({ metric, entity: chosen })}
        />
        <div class="field">
          <label for="time-zone">Time zone</label>
          <select
            id="time-zone"
            value={tz}
            onChange={({ currentTarget }) => ask({ tz: currentTarget.value })}
          >
            {[...new Set([tz, ...ZONES])].map((zone) => (
              <option key={zone} value={zone}>
                {zone === ownZone ? `${zone} (browser)` : zone}
              </option>
            ))}
          </select>
        </div>
      </div>
      <div class="row controls">
        <Choice
          label="Range"
          value={question.fromMs === undefined ? question.range : undefined}
          options={RANGES.map((range) => [range, range] as const)}
          onChoose={(range) => ask({ range, ...UNZOOMED })}
        />
        <Choice
          label="Group by"
          value={rangeOf(question, Date.now()).by}
          options={GRAINS.map((grain) => [grain, grain] as const)}
          onChoose={(by) => ask({ by })}
        />
        <label class="row check">
          <input
            type="checkbox"
            checked={question.compare}
            onChange={({ currentTarget }) => ask({ compare: currentTarget.checked })}
          />
          Compare with the previous period
        </label>
      </div>
      {metric === '' ? (
        <State title="Choose a metric">
          A metric is what you count: views, plays, likes. Type its name above, or choose one from the list.
        </State>
      ) : entity === '' ? (
        <State title="Choose an entity">
          An entity has the counts: a page, a video. Type its name above, or choose one from the list.
        </State>
      ) : (
        <Answer {...props} />
      )}
    </section>
  );
}

const UNZOOMED = { fromMs: undefined, toMs: undefined, by: undefined } as const;

function Answer({ api, question, ask }: ViewProps) {
  const { metric, entity, tz, compare, fromMs, toMs, range, by } = question;
  const canvas = useRef<HTMLCanvasElement>(null);
  const key = JSON.stringify([metric, entity, tz, fromMs, toMs, range, by]);
  const intervalMs = fromMs === undefined ? Math.max(pollMs, 2_000) : undefined;
  const polled = usePoll(key, intervalMs, async (signal) => {
    const range = rangeOf(question, Date.now());
    const asked = {
      from: range.fromMs,
      to: range.toMs,
      by: range.by,
      fill: 'zero',
      compare: 'previous',
      tz: range.by === 'minute' || range.by === 'hour' ? undefined : tz,
    } as const;
    const [answer, { total }] = await Promise.all([
      api.counts(metric, entity, asked, { signal }),
      api.counts(metric, entity, {}, { signal }),
    ]);
    return { range, answer, allTime: total };
  });
  const zoom = (from: number, to: number) =>
    ask({ fromMs: floorTo(GRAIN_MS.minute, from), toMs: ceilTo(GRAIN_MS.minute, to), by: undefined });
  return (
    <Shown polled={polled} what="the counts">
      {({ answer, range: shown, allTime }) => {
        // The names are the answer's: the question may be a later one.
        const { metric, entity, total, previous, completeThrough, grain, note } = answer;
        const before = comparable(answer)?.total;
        const isEmpty = [total, previous?.total, allTime].every((each = 0) => Number(each) === 0);
        const zone = zoneOf(answer, tz);
        const through = completeThrough === null ? undefined : Date.parse(completeThrough);
        const points = pointsOf(answer);
        const table = () => ({
          head: [grain, 'count', 'state'],
          rows: points.map(({ at, n, state }) => [shownTime(Date.parse(at), zone, grain), whole(n), state]),
        });
        const fileName = `${metric}-${grain}`;
        const title = `${metric} · ${shownName(entity)}`;
        const savePicture = () => canvas.current && savePng(fileName, canvas.current, title);
        const saveCsv = () => save(`${fileName}.csv`, new Blob([csvOf(answer)], { type: 'text/csv' }));
        return (
          <>
            <div class="grid tiles">
              <Tile label={shown.title} value={whole(total)} />
              <Tile
                label="Change"
                value={change(Number(before ?? 0), Number(total)) ?? '–'}
                note={before === undefined ? previous?.note : `from ${whole(before)} in the period before`}
              />
              <Tile label="All time" value={whole(allTime)} />
              <Tile
                label="Complete through"
                value={through === undefined ? 'not yet' : clockTime(through, tz, Date.now())}
                note={through ? 'all that arrived before is counted' : 'known a minute after the start'}
              />
            </div>
            <Card
              title={
                <>
                  {metric} · <bdi>{shownName(entity)}</bdi>
                </>
              }
              aside={
                <div class="row">
                  {!shown.moves && (
                    <button type="button" onClick={() => ask(UNZOOMED)}>
                      Zoom out
                    </button>
                  )}
                  {!isEmpty && (
                    <>
                      <button type="button" onClick={saveCsv}>
                        CSV
                      </button>
                      <button type="button" onClick={savePicture}>
                        PNG
                      </button>
                    </>
                  )}
                </div>
              }
            >
              {isEmpty ? (
                <State title="Nothing counted yet">
                  Tally has no {metric} of <bdi>{shownName(entity)}</bdi>. Check the spelling, or send an
                  event:
                  <SendOne metric={metric} entity={entity} />
                </State>
              ) : (
                <>
                  <Chart
                    times={points.map(({ at }) => Date.parse(at))}
                    series={seriesOf(points, compare)}
                    tz={zone}
                    grain={grain}
                    height={300}
                    summary={`${total} ${metric} of ${shownName(entity)} by ${grain}, from ${shownTime(shown.fromMs, zone, 'minute')} to ${shownTime(shown.toMs, zone, 'minute')}. Arrow keys read the points, + zooms in, - zooms out.`}
                    completeThroughMs={through}
                    stepMs={grain === 'total' ? 0 : GRAIN_MS[grain]}
                    onZoom={zoom}
                    onZoomOut={() => ask(UNZOOMED)}
                    canvas={canvas}
                  >
                    {note !== undefined && <span>{note}</span>}
                    <span class="hint">Drag across the chart, or press + and −, to zoom.</span>
                  </Chart>
                  <FoldedTable title="Table of points" table={table} />
                </>
              )}
            </Card>
            <p class="small muted">The URL holds everything you see: copy it to share.</p>
          </>
        );
      }}
    </Shown>
  );
}

const PROVISIONAL = 'provisional: late events may still arrive';

/** A chart needs numbers: it does not show the last digits beyond 2^53. */
function seriesOf(points: ReturnType<typeof pointsOf>, compare: boolean): readonly ChartSeries[] {
  const of = (state: string) => points.map((point) => (point.state === state ? Number(point.n) : null));
  const before = points.map(({ previous }) => (previous === undefined ? null : Number(previous)));
  const bars = { kind: 'bars', colour: '--accent' } as const;
  const line = { kind: 'line', colour: '--muted', dashed: true } as const;
  return [
    { ...bars, label: 'final', values: of('final') },
    { ...bars, label: 'provisional', faint: true, legend: PROVISIONAL, values: of('provisional') },
    ...(compare ? [{ ...line, label: 'previous', legend: 'previous period', values: before }] : []),
  ];
}
