// The last 60 minutes, moving, and which entities have most.
import { useMemo } from 'preact/hooks';
import type { StatusAnswer } from '../api.ts';
import { usePoll } from '../hooks.ts';
import { rate, shownName, whole } from '../logic/format.ts';
import { type Question, TOP_GRAINS, type TopGrain } from '../logic/question.ts';
import { clockTime, shownTime } from '../logic/zone.ts';
import { Chart } from '../parts/chart.tsx';
import { Choice, Combobox } from '../parts/fields.tsx';
import { Empty, Failed, Loading } from '../parts/states.tsx';
import { isLocal, liveEntitiesMax, pollMs } from '../place.ts';
import { Tile, type ViewProps } from './counts.tsx';

/** What the status said when; the rate is what changed between. */
export interface Sample {
  readonly atMs: number;
  readonly status: StatusAnswer;
}

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** The rate is that of the last ten seconds: what one look shows is too jumpy. */
const RATE_MS = 10_000;

interface Ranked {
  readonly entity: string;
  readonly n: number;
}

interface Read {
  readonly times: readonly number[];
  readonly minutes: readonly number[];
  readonly entities: number;
  readonly through: number | undefined;
  readonly top: readonly Ranked[];
  readonly note: string;
}

export function LiveView(props: ViewProps & { readonly samples: readonly Sample[] }) {
  const { directory, question, ask, linkTo, samples } = props;
  const { metric, top } = question;
  const polled = usePoll<Read>(
    metric === '' ? undefined : `${metric} ${top}`,
    Math.max(pollMs, 2_000),
    (signal) => readLive(props, signal),
  );
  const { data, failure, isCurrent } = polled;
  const perSecond = useMemo(() => rateOf(samples), [samples]);
  return (
    <section aria-label="Live">
      {isLocal && (
        <div class="card hero">
          <p>
            <b>Tally counts every event exactly once, and shows where each one is.</b> The numbers above
            always add up, also while things break. A demo sends 12 events a second, some of them twice.
          </p>
          <a
            class="button primary"
            href={linkTo({ view: 'break' })}
            onClick={(event) => {
              if (event.metaKey || event.ctrlKey) return;
              event.preventDefault();
              ask({ view: 'break' });
            }}
          >
            Break it
          </a>
        </div>
      )}
      <div class="controls">
        <Combobox
          label="Metric"
          value={metric}
          placeholder="such as view"
          options={directory.metrics()}
          onChoose={(chosen) => {
            directory.note(chosen);
            ask({ metric: chosen, entity: '' });
          }}
        />
        <Choice
          label="Top list of the"
          value={top}
          options={TOP_GRAINS.map((grain) => [grain, grain === 'total' ? 'all time' : grain] as const)}
          onChoose={(chosen) => ask({ top: chosen })}
        />
      </div>
      {metric === '' ? (
        <Empty title="Choose a metric">
          A metric is what you count: view, play, like. Type its name above.
        </Empty>
      ) : data === undefined ? (
        failure === undefined ? (
          <Loading what="the last hour" />
        ) : (
          <Failed failure={failure} />
        )
      ) : (
        <div class={isCurrent ? 'live' : 'live stale'}>
          <div>
            <div class="tiles">
              <Tile
                label="Events a second"
                value={perSecond === undefined ? '–' : rate(perSecond)}
                note="accepted, all metrics"
              />
              <Tile
                label="Last 60 minutes"
                value={whole(data.minutes.reduce((sum, n) => sum + n, 0))}
                note={`${metric} of ${data.entities} entities`}
              />
              <Tile label="This minute" value={whole(data.minutes.at(-1) ?? 0)} note="still growing" />
            </div>
            <div class="card">
              <div class="card-head">
                <h2>{metric}, minute by minute</h2>
              </div>
              <Chart
                times={data.times}
                series={[{ label: metric, kind: 'bars', colour: '--accent', values: data.minutes }]}
                tz={question.tz}
                grain="minute"
                height={300}
                stepMs={MINUTE_MS}
                summary={`${metric} by minute over the last hour. Use the arrow keys to hear each minute.`}
                completeThroughMs={data.through}
              />
            </div>
          </div>
          <TopList {...props} read={data} />
        </div>
      )}
    </section>
  );
}

function TopList({ read, question, linkTo, ask }: ViewProps & { readonly read: Read }) {
  const most = read.top[0]?.n ?? 0;
  return (
    <div class="card top">
      <div class="card-head">
        <h2>{question.top === 'total' ? 'Most of all time' : `Most this ${question.top}`}</h2>
      </div>
      {read.top.length === 0 ? (
        <Empty title="No list yet">
          A list appears when the period has events. Choose another period above.
        </Empty>
      ) : (
        <ol>
          {read.top.map(({ entity, n }) => {
            const to: Partial<Question> = { view: 'counts', entity };
            return (
              <li key={entity}>
                <a
                  href={linkTo(to)}
                  onClick={(event) => {
                    if (event.metaKey || event.ctrlKey) return;
                    event.preventDefault();
                    ask(to);
                  }}
                >
                  <bdi>{shownName(entity)}</bdi>
                </a>
                <span>{whole(n)}</span>
                <i
                  aria-hidden="true"
                  style={{ width: `${most === 0 ? 0 : (100 * Math.max(n, 0)) / most}%` }}
                />
              </li>
            );
          })}
        </ol>
      )}
      <p class="muted">{read.note}</p>
    </div>
  );
}

async function readLive({ api, directory, question }: ViewProps, signal: AbortSignal): Promise<Read> {
  const { metric, top } = question;
  const nowMs = Date.now();
  const listed = await api.top(metric, { by: top, k: liveEntitiesMax }, { signal });
  const entities = [
    ...new Set([...listed.entries.map(({ entity }) => entity), ...directory.entities(metric)]),
  ]
    .filter((entity) => entity !== '.' && entity !== '..')
    .slice(0, liveEntitiesMax);
  const toMs = Math.ceil(nowMs / MINUTE_MS) * MINUTE_MS;
  const times = Array.from({ length: 60 }, (_, index) => toMs - HOUR_MS + index * MINUTE_MS);
  if (entities.length === 0)
    return { times, minutes: times.map(() => 0), entities: 0, through: undefined, top: [], note: '' };
  const minuteOf = new Map(times.map((ms, index) => [ms, index]));
  const minutes = times.map(() => 0);
  const open = periodStart(top, nowMs);
  const known = listed.entries.length > 0;
  const answers = await api.countsBatch(
    [
      ...entities.map((entity) => ({
        metric,
        entity,
        by: 'minute' as const,
        from: toMs - HOUR_MS,
        to: toMs,
      })),
      // Of the names that are known here, as long as the store has no list of the period yet.
      ...(known
        ? []
        : entities.map((entity) => ({
            metric,
            entity,
            ...(open === undefined ? {} : { from: open, to: toMs }),
          }))),
    ],
    { signal },
  );
  let through: number | undefined;
  const ranked: Ranked[] = [];
  for (const [index, answer] of answers.entries()) {
    if ('error' in answer) continue;
    if (index >= entities.length) ranked.push({ entity: answer.entity, n: Number(answer.total) });
    if (index >= entities.length) continue;
    if (answer.completeThrough !== null) through = Date.parse(answer.completeThrough);
    for (const { at, n } of answer.points) {
      const minute = minuteOf.get(Date.parse(at));
      if (minute !== undefined) minutes[minute] = (minutes[minute] ?? 0) + Number(n);
    }
  }
  const rows = ranked.filter(({ n }) => n !== 0).toSorted((a, b) => b.n - a.n);
  return {
    times,
    minutes,
    entities: entities.length,
    through,
    top: known ? listed.entries.map(({ entity, n }) => ({ entity, n: Number(n) })) : rows,
    note: known
      ? `${top === 'total' ? 'All time' : `Since ${shownTime(Date.parse(listed.from), 'UTC', 'minute')} (UTC)`}${listed.completeThrough === null ? '' : `, complete to ${clockTime(Date.parse(listed.completeThrough), question.tz)}`}. Made at every compaction.`
      : `Counted now, of the ${isLocal ? 'demo’s and ' : ''}names seen in this browser: the list is made at the next compaction.`,
  };
}

function periodStart(top: TopGrain, nowMs: number): number | undefined {
  if (top === 'total') return undefined;
  const now = new Date(nowMs);
  const [year, month, day, hour] = [
    now.getUTCFullYear(),
    now.getUTCMonth(),
    now.getUTCDate(),
    now.getUTCHours(),
  ];
  if (top === 'month') return Date.UTC(year, month);
  return top === 'day' ? Date.UTC(year, month, day) : Date.UTC(year, month, day, hour);
}

function rateOf(samples: readonly Sample[]): number | undefined {
  const last = samples.at(-1);
  if (last === undefined) return undefined;
  const first = samples.find(({ atMs }) => last.atMs - atMs <= RATE_MS);
  if (first === undefined || first === last) return undefined;
  const events = ({ status }: Sample) => status.accepted ?? status.received;
  return Math.max(0, (events(last) - events(first)) / ((last.atMs - first.atMs) / 1000));
}
