// Where every event is: the path from the front door to the counts, what waits in each stage, and the equation.
import type { StatusAnswer } from '../api.ts';
import { useNow } from '../hooks.ts';
import { behindMs } from '../logic/accounts.ts';
import { span, whole } from '../logic/format.ts';
import { Equation } from '../parts/equation.tsx';

interface Stage {
  readonly title: string;
  readonly what: string;
  /** Events that wait in it; undefined: nothing can. */
  readonly waiting?: number | null;
  readonly since?: string | null;
  readonly aside?: readonly (readonly [label: string, events: number, bad: boolean])[];
  readonly end?: boolean;
}

export function PipelineView({ status }: { readonly status: StatusAnswer }) {
  const nowMs = useNow(1_000);
  const behind = behindMs(status, nowMs);
  return (
    <section aria-label="Where every event is">
      <div class="card">
        <div class="card-head">
          <h2>The way of an event</h2>
          <p class={behind > 60_000 ? 'bad' : 'muted'}>
            {behind === 0
              ? 'Nothing waits: every accepted event has its place.'
              : `${span(behind)} behind real time`}
          </p>
        </div>
        <ol class="way">
          {stagesOf(status).map((stage) => (
            <StageCard key={stage.title} stage={stage} nowMs={nowMs} />
          ))}
        </ol>
      </div>
      <div class="card large">
        <div class="card-head">
          <h2>Every event is somewhere</h2>
        </div>
        <Equation accounts={status} terse={false} />
      </div>
      <Hours status={status} />
    </section>
  );
}

function stagesOf(status: StatusAnswer): readonly Stage[] {
  const { accepted, received, unread, unreadSince, inFlight, inFlightSince, counted } = status;
  return [
    { title: 'Front door', what: `${whole(accepted ?? received)} accepted` },
    { title: 'Stream', what: 'holds what is not read', waiting: unread, since: unreadSince },
    {
      title: 'Aggregator',
      what: `${whole(received)} read`,
      aside: [
        ['duplicate', status.duplicate, false],
        ['rejected', status.rejected, false],
      ],
    },
    {
      title: 'Queue',
      what: 'holds what is not written',
      waiting: inFlight,
      since: inFlightSince,
      aside: [
        ['dead', status.dead, true],
        ['parked', status.parked, true],
      ],
    },
    {
      title: 'Writer',
      what: 'adds each message once',
      aside: [
        ['expired', status.expired, false],
        ['lost', status.lost, true],
      ],
    },
    { title: 'Counts', what: `${whole(counted)} counted`, end: true },
  ];
}

function StageCard({ stage, nowMs }: { readonly stage: Stage; readonly nowMs: number }) {
  const { title, what, waiting, since, aside = [], end } = stage;
  return (
    <li class={`stage ${waiting != null && waiting > 0 ? 'busy' : ''} ${end === true ? 'end' : ''}`}>
      <h3>{title}</h3>
      <p class="muted">{what}</p>
      {waiting !== undefined && (
        <p class="waiting">
          <b>{waiting === null ? '?' : whole(waiting)}</b> waiting
          {since != null && <small class="muted">oldest {span(nowMs - Date.parse(since))}</small>}
        </p>
      )}
      {aside.length > 0 && (
        <ul class="aside">
          {aside.map(([label, events, isBad]) => (
            <li key={label} class={isBad && events > 0 ? 'bad' : ''}>
              {whole(events)} {label}
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

function Hours({ status: { hours } }: { readonly status: StatusAnswer }) {
  if (hours.length === 0) return null;
  const columns = [
    'received',
    'counted',
    'duplicate',
    'rejected',
    'inFlight',
    'dead',
    'parked',
    'expired',
    'lost',
  ] as const;
  return (
    <details class="card">
      <summary>By hour of arrival</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
      <div class="scroll" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">hour (UTC)</th>
              {columns.map((column) => (
                <th key={column} scope="col">
                  {column === 'inFlight' ? 'in flight' : column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {hours.toReversed().map((hour) => (
              <tr key={hour.hour}>
                <td>{hour.hour.replace('T', ' ')}:00</td>
                {columns.map((column) => (
                  <td key={column}>{whole(hour[column])}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
