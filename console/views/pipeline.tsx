// Where every event is: the path from the front door to the counts, and the equation.
import type { StatusAnswer } from '../../client/src/index.ts';
import { useNow } from '../hooks.ts';
import { behindMs, PLACES } from '../logic/accounts.ts';
import { span, whole } from '../logic/format.ts';
import { Equation } from '../parts/equation.tsx';
import { FoldedTable } from '../parts/table.tsx';
import { Card, type ViewProps } from './view.tsx';

/** Events wait in some stages, and it may be unknown how many; others set some aside. */
function stagesOf(status: StatusAnswer) {
  const { accepted, received, unread, unreadSince, inFlight, inFlightSince, counted } = status;
  return [
    { title: 'Front door', what: `${whole(accepted ?? received)} accepted` },
    { title: 'Stream', what: 'holds unread events', waiting: unread, since: unreadSince },
    { title: 'Aggregator', what: `${whole(received)} read`, aside: ['duplicate', 'rejected'] },
    {
      title: 'Queue',
      what: 'holds events in flight',
      waiting: inFlight,
      since: inFlightSince,
      aside: ['dead', 'parked'],
    },
    { title: 'Writer', what: 'writes each delta once', aside: ['expired', 'lost'] },
    { title: 'Counts', what: `${whole(counted)} counted` },
  ];
}

export function PipelineView({ status }: ViewProps) {
  const nowMs = useNow();
  const behind = behindMs(status, nowMs);
  return (
    <section aria-label="Where every event is">
      <Card
        title="The path of an event"
        aside={
          <p class={behind > 60_000 ? 'bad' : 'muted'}>
            {behind === 0 ? 'Nothing is on the way.' : `${span(behind)} behind real time`}
          </p>
        }
      >
        <ol class="grid way">
          {stagesOf(status).map(({ title, what, waiting, since, aside = [] }) => (
            <li key={title} class={`small muted stage ${waiting != null && waiting > 0 ? 'busy' : ''}`}>
              <h3>{title}</h3>
              <p>{what}</p>
              {waiting !== undefined && (
                <p class="wait">
                  <b>{waiting === null ? '?' : whole(waiting)}</b> waiting
                  {since != null && <small>oldest {span(nowMs - Date.parse(since))}</small>}
                </p>
              )}
              {aside.length > 0 && (
                <ul class="row">
                  {PLACES.filter(([name]) => aside.includes(name)).map(([name, label, tone]) => (
                    <li key={name} class={status[name] ? tone : ''}>
                      {whole(status[name] ?? 0)} {label}
                    </li>
                  ))}
                </ul>
              )}
            </li>
          ))}
        </ol>
      </Card>
      <Card title="Every event is somewhere">
        <Equation status={status} terse={false} />
      </Card>
      {status.hours.length > 0 && (
        <div class="card">
          <FoldedTable title="By hour of arrival" table={() => tableOf(status.hours)} />
        </div>
      )}
    </section>
  );
}

function tableOf(hours: StatusAnswer['hours']) {
  // By hour, what is received is read.
  const places = PLACES.flatMap(([name, label]) => (name === 'unread' ? [] : [[name, label] as const]));
  const columns = [['received', 'received'] as const, ...places];
  return {
    head: ['hour (UTC)', ...columns.map(([, label]) => label)],
    rows: hours
      .toReversed()
      .map((each) => [`${each.hour.replace('T', ' ')}:00`, ...columns.map(([name]) => whole(each[name]))]),
  };
}
