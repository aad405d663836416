// What arrives now, and which entities lead.
import type { StatusAnswer } from '../api.ts';
import { usePoll } from '../hooks.ts';
import { behindMs } from '../logic/accounts.ts';
import { arrivalsOf, type Reading, rateOf } from '../logic/arrivals.ts';
import { rate, shownName, span, whole } from '../logic/format.ts';
import { TOP_GRAINS } from '../logic/question.ts';
import { clockTime, shownTime } from '../logic/zone.ts';
import { Chart } from '../parts/chart.tsx';
import { Choice, Combobox, Link } from '../parts/fields.tsx';
import { Shown, State } from '../parts/states.tsx';
import { pollMs } from '../place.ts';
import { SendOne, Tile, type ViewProps } from './view.tsx';

interface LiveProps extends ViewProps {
  readonly status: StatusAnswer;
  readonly readings: readonly Reading[];
  readonly hasDemo: boolean;
}

export function LiveView(props: LiveProps) {
  const { question, status, readings, hasDemo } = props;
  const arrivals = arrivalsOf(readings, status);
  const perSecond = rateOf(readings);
  if (arrivals === undefined) return null;
  const { times, measured, averaged, total, isMeasured } = arrivals;
  const bars = { kind: 'bars', colour: '--accent' } as const;
  return (
    <section aria-label="Live">
      {hasDemo && (
        <div class="card hero">
          <p>
            <b>Tally counts every event exactly once, and shows where each one is.</b> The figures above
            always add up, even while things break. A demo sends 12 events per second, some of them twice.
          </p>
          <Link {...props} to={{ view: 'break' }} class="button primary">
            Break it
          </Link>
        </div>
      )}
      <div class="live">
        <div>
          <div class="tiles">
            <Tile
              label="Events per second"
              value={perSecond === undefined ? '–' : rate(perSecond)}
              note="all metrics, last 10 seconds"
            />
            <Tile
              label="Last 60 minutes"
              value={`${isMeasured ? '' : '≈ '}${whole(total)}`}
              note={isMeasured ? 'all metrics' : 'all metrics, partly averaged'}
            />
            <Tile
              label="Behind real time"
              value={span(behindMs(status, Date.now()))}
              note="age of the oldest event on the way"
            />
          </div>
          <div class="card">
            <div class="card-head">
              <h2>Events per minute, by arrival</h2>
            </div>
            <Chart
              times={times}
              series={[
                { ...bars, label: 'events', values: measured },
                { kind: 'steps', colour: '--muted', dashed: true, label: 'average', values: averaged },
              ]}
              tz={question.tz}
              grain="minute"
              height={innerWidth > 900 ? 420 : 260}
              stepMs={60_000}
              summary={`${whole(total)} events in the last 60 minutes. Arrow keys read each minute.`}
            />
            <div class="legend">
              <span class="key">measured while this page is open</span>
              {!isMeasured && <span class="key previous">hourly average, before this page was open</span>}
            </div>
          </div>
        </div>
        <TopList {...props} />
      </div>
    </section>
  );
}

interface Top {
  readonly rows: readonly { readonly entity: string; readonly n: number }[];
  readonly note: string;
}

const ROWS_MAX = 12;

function TopList(props: ViewProps) {
  const { known, question, ask, linkTo } = props;
  const { metric, top } = question;
  const polled = usePoll(metric === '' ? undefined : `${metric} ${top}`, Math.max(pollMs, 2_000), (signal) =>
    readTop(props, signal),
  );
  return (
    <div class="card top">
      <div class="card-head">
        <h2>{top === 'total' ? 'Top of all time' : `Top this ${top}`}</h2>
      </div>
      <div class="controls">
        <Combobox
          label="Metric"
          value={metric}
          placeholder="such as view"
          options={[...known.keys()]}
          onChoose={(chosen) => ask({ metric: chosen, entity: '' })}
        />
        <Choice
          label="Period"
          value={top}
          options={TOP_GRAINS.map((grain) => [grain, grain === 'total' ? 'all time' : grain] as const)}
          onChoose={(chosen) => ask({ top: chosen })}
        />
      </div>
      {metric === '' ? (
        <State title="No metric yet">
          Send an event: its metric appears here within minutes.
          <SendOne metric="view" entity="/pricing" />
        </State>
      ) : (
        <Shown polled={polled} what="the top list">
          {({ rows, note }) =>
            rows.length === 0 ? (
              <State title="No list yet">
                The list appears a few minutes after the period’s first events. Choose another period above.
              </State>
            ) : (
              <>
                <ol>
                  {rows.map(({ entity, n }) => (
                    <li key={entity}>
                      <Link {...{ ask, linkTo }} to={{ view: 'counts', metric, entity }}>
                        <bdi>{shownName(entity)}</bdi>
                      </Link>
                      <span>{whole(n)}</span>
                      <i
                        aria-hidden="true"
                        style={{ width: `${(100 * Math.max(n, 0)) / Math.max(rows[0]?.n ?? 0, 1)}%` }}
                      />
                    </li>
                  ))}
                </ol>
                <p class="muted">{note}</p>
              </>
            )
          }
        </Shown>
      )}
    </div>
  );
}

async function readTop({ api, known, question }: ViewProps, signal: AbortSignal): Promise<Top> {
  const { metric, top: by, tz } = question;
  const { entries, from, to, completeThrough } = await api.top(metric, { by, k: ROWS_MAX }, { signal });
  if (entries.length > 0) {
    const since = by === 'total' ? '' : `From ${shownTime(Date.parse(from), 'UTC', 'minute')} UTC. `;
    const through =
      completeThrough === null ? '' : `Complete to ${clockTime(Date.parse(completeThrough), tz)}, as of `;
    const note = `${since}${through === '' ? 'As of ' : through}the last compaction.`;
    return { rows: entries.map(({ entity, n }) => ({ entity, n: Number(n) })), note };
  }
  // Before the first compaction there is no list: count the demo's entities instead.
  const range = by === 'total' ? {} : { from, to };
  const queries = (known.get(metric) ?? []).map((entity) => ({ metric, entity, ...range }));
  const answers = queries.length === 0 ? [] : await api.countsBatch(queries, { signal });
  const rows = answers
    .flatMap((answer) => ('error' in answer ? [] : [{ entity: answer.entity, n: Number(answer.total) }]))
    .filter(({ n }) => n > 0)
    .toSorted((a, b) => b.n - a.n);
  return { rows, note: 'Counted now, from the demo’s entities. The first compaction makes the list.' };
}
