// What arrives now, and which entities lead.
import { totalsOf } from '../api.ts';
import { usePoll } from '../hooks.ts';
import { behindMs } from '../logic/accounts.ts';
import { arrivalsOf, rateOf } from '../logic/arrivals.ts';
import { rate, shownName, span, whole } from '../logic/format.ts';
import { TOP_GRAINS } from '../logic/question.ts';
import { clockTime, shownTime } from '../logic/zone.ts';
import { Chart } from '../parts/chart.tsx';
import { Choice, Link } from '../parts/fields.tsx';
import { Shown, State } from '../parts/states.tsx';
import { pollMs } from '../place.ts';
import { Card, MetricField, SendOne, Tile, type ViewProps } from './view.tsx';

export function LiveView(props: ViewProps) {
  const { question, status, readings, hasDemo } = props;
  const arrivals = arrivalsOf(readings, status);
  const perSecond = rateOf(readings);
  if (arrivals === undefined) return null;
  const { times, measured, averaged, total, isMeasured } = arrivals;
  const bars = { kind: 'bars', colour: '--accent' } as const;
  const legend = 'hourly average, before this page was open';
  const steps = { kind: 'steps', colour: '--muted', dashed: true, legend } as const;
  return (
    <section aria-label="Live">
      {hasDemo && (
        <div class="row card hero">
          <p>
            <b>Tally counts every event exactly once, and shows where each one is.</b> The figures above
            always add up, even while things break. A demo sends 12 events per second, some of them twice.
          </p>
          <Link {...props} to={{ view: 'break' }} class="button primary">
            Break it
          </Link>
        </div>
      )}
      <div class="grid live">
        <div class="grid">
          <div class="grid tiles">
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
          <Card title="Events per minute, by arrival">
            <Chart
              times={times}
              series={[
                { ...bars, label: 'events', legend: 'measured while this page is open', values: measured },
                ...(isMeasured ? [] : [{ ...steps, label: 'average', values: averaged }]),
              ]}
              tz={question.tz}
              grain="minute"
              height={innerWidth > 900 ? 420 : 260}
              stepMs={60_000}
              summary={`${whole(total)} events in the last 60 minutes. Arrow keys read each minute.`}
            />
          </Card>
        </div>
        <TopList {...props} />
      </div>
    </section>
  );
}

const ROWS_MAX = 12;

function TopList(props: ViewProps) {
  const { question, ask } = props;
  const { metric, top } = question;
  const key = metric === '' ? undefined : `${metric} ${top}`;
  const polled = usePoll(key, Math.max(pollMs, 2_000), (signal) => readTop(props, signal));
  return (
    <Card class="top" title={top === 'total' ? 'Top of all time' : `Top this ${top}`}>
      <div class="row controls">
        <MetricField {...props} />
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
                      <Link {...props} to={{ view: 'counts', metric, entity }}>
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
                <p class="small muted">{note}</p>
              </>
            )
          }
        </Shown>
      )}
    </Card>
  );
}

async function readTop({ api, known, question }: ViewProps, signal: AbortSignal) {
  const { metric, top: by, tz } = question;
  const { entries, from, to, completeThrough } = await api.top(metric, { by, k: ROWS_MAX }, { signal });
  if (entries.length > 0) {
    const since = by === 'total' ? '' : `From ${shownTime(Date.parse(from), 'UTC', 'minute')} UTC. `;
    const through = completeThrough && clockTime(Date.parse(completeThrough), tz, Date.now());
    const note = `${since}${through ? `Complete to ${through}, as` : 'As'} of the last compaction.`;
    return { rows: entries.map(({ entity, n }) => ({ entity, n: Number(n) })), note };
  }
  // Before the first compaction there is no list: count the demo's entities instead.
  const range = by === 'total' ? {} : { from, to };
  const queries = (known.get(metric) ?? []).map((entity) => ({ metric, entity, ...range }));
  const totals = await totalsOf(api, queries, { signal });
  const rows = Array.from(totals, ([entity, n]) => ({ entity, n }))
    .filter(({ n }) => n > 0)
    .toSorted((a, b) => b.n - a.n);
  return { rows, note: 'Counted now, from the demo’s entities. The first compaction makes the list.' };
}
