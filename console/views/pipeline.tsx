// Where every event is: the path from the front door to the counts, and the equation.
import type { StatusAnswer } from '../api.ts';
import { useNow } from '../hooks.ts';
import { behindMs, PLACES } from '../logic/accounts.ts';
import { span, whole } from '../logic/format.ts';
import { Equation } from '../parts/equation.tsx';
import { FoldedTable } from '../parts/table.tsx';

interface Stage {
  readonly title: string;
  readonly what: string;
  /** Events waiting; null: unknown; undefined: none can. */
  readonly waiting?: number | null;
  readonly since?: string | null;
  readonly aside?: readonly (readonly [label: string, events: number, isBad?: true])[];
}

function stagesOf(status: StatusAnswer): readonly Stage[] {
  const { accepted, received, unread, unreadSince, inFlight, inFlightSince, counted } = status;
  const { duplicate, rejected, dead, parked, expired, lost } = status;
  return [
    { title: 'Front door', what: `${whole(accepted ?? received)} accepted` },
    { title: 'Stream', what: 'holds unread events', waiting: unread, since: unreadSince },
    {
      ...{ title: 'Aggregator', what: `${whole(received)} read` },
      aside: [
        ['duplicate', duplicate],
        ['rejected', rejected],
      ],
    },
    {
      ...{ title: 'Queue', what: 'holds events in flight', waiting: inFlight, since: inFlightSince },
      aside: [
        ['dead', dead, true],
        ['parked', parked, true],
      ],
    },
    {
      ...{ title: 'Writer', what: 'writes each delta once' },
      aside: [
        ['expired', expired],
        ['lost', lost, true],
      ],
    },
    { title: 'Counts', what: `${whole(counted)} counted` },
  ];
}

export function PipelineView({ status }: { readonly status: StatusAnswer }) {
  const nowMs = useNow();
  const behind = behindMs(status, nowMs);
  return (
    <section aria-label="Where every event is">
      <div class="card">
        <div class="card-head">
          <h2>The path of an event</h2>
          <p class={behind > 60_000 ? 'bad' : 'muted'}>
            {behind === 0 ? 'Nothing is on the way.' : `${span(behind)} behind real time`}
          </p>
        </div>
        <ol class="way">
          {stagesOf(status).map(({ title, what, waiting, since, aside = [] }) => (
            <li key={title} class={`stage ${waiting != null && waiting > 0 ? 'busy' : ''}`}>
              <h3>{title}</h3>
              <p>{what}</p>
              {waiting !== undefined && (
                <p class="wait">
                  <b>{waiting === null ? '?' : whole(waiting)}</b> waiting
                  {since != null && <small>oldest {span(nowMs - Date.parse(since))}</small>}
                </p>
              )}
              {aside.length > 0 && (
                <ul>
                  {aside.map(([label, events, isBad]) => (
                    <li key={label} class={isBad && events > 0 ? 'bad' : ''}>
                      {whole(events)} {label}
                    </li>
                  ))}
                </ul>
              )}
            </li>
          ))}
        </ol>
      </div>
      <div class="card">
        <div class="card-head">
          <h2>Every event is somewhere</h2>
        </div>
        <Equation accounts={status} terse={false} />
      </div>
      {status.hours.length > 0 && (
        <div class="card">
          <FoldedTable
            title="By hour of arrival"
            table={() => ({
              head: ['hour (UTC)', 'received', ...COLUMNS.map(([, label]) => label)],
              rows: status.hours
                .toReversed()
                .map((hour) => [
                  `${hour.hour.replace('T', ' ')}:00`,
                  whole(hour.received),
                  ...COLUMNS.map(([name]) => whole(hour[name])),
                ]),
            })}
          />
        </div>
      )}
    </section>
  );
}

/** By hour, what is received is read. */
const COLUMNS = PLACES.flatMap(([name, label]) => (name === 'unread' ? [] : [[name, label] as const]));
