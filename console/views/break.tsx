// Break it: faults of the local stack as switches, and the proof that every count is exact afterwards.
import { useEffect, useRef, useState } from 'preact/hooks';
import { messageOf, totalsOf } from '../api.ts';
import { usePoll } from '../hooks.ts';
import { type Fault, readDemo, readFaults, runDemo, setFault } from '../local.ts';
import { type Comparison, compare, onTheWay } from '../logic/accounts.ts';
import { shownName, span, whole } from '../logic/format.ts';
import { Chart } from '../parts/chart.tsx';
import { Equation } from '../parts/equation.tsx';
import { Shown } from '../parts/states.tsx';
import { Table } from '../parts/table.tsx';
import { ownZone } from '../place.ts';
import { Card, type ViewProps } from './view.tsx';

const WAITING = { label: 'unread and in flight', kind: 'area', colour: '--waiting' } as const;
const FAILED = { label: 'dead and parked', kind: 'line', colour: '--bad' } as const;

export function BreakView(props: ViewProps) {
  const { status, readings } = props;
  const polled = usePoll('faults', 1_000, readFaults);
  const [switched, setSwitched] = useState<readonly Fault[]>();
  const [comparison, setComparison] = useState<Comparison>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => setSwitched(undefined), [polled.data]);
  const turn = async (name: string, on: boolean) => {
    setSwitched((await setFault(name, on)).faults);
    setProblem(undefined);
  };
  const change = (name: string, on: boolean) => turn(name, on).catch((error) => setProblem(messageOf(error)));
  return (
    <section aria-label="Break it">
      <Shown polled={polled} what="the switches">
        {({ faults: answered }) => {
          const faults = switched ?? answered;
          const broken = faults.filter(({ on }) => on);
          const repair = async () => {
            setProblem(undefined);
            for (const { name } of broken) await turn(name, false);
          };
          return (
            <div class="grid break">
              <p class="intro muted">
                Break the stack while the demo counts. Each switch is real: it stops the function or refuses
                the write. Then compare every counter with what was sent.
              </p>
              {problem !== undefined && (
                <p class="intro bad" role="alert">
                  The stack did not switch: {problem}
                </p>
              )}
              <ul class="grid">
                {faults.map((fault) => (
                  <FaultCard key={fault.name} fault={fault} onChange={change} />
                ))}
              </ul>
              <div class="grid effects">
                <Proof
                  {...props}
                  isBroken={broken.length > 0}
                  repair={repair}
                  comparison={comparison}
                  onCompared={setComparison}
                />
                <Card title="On the way, and dead">
                  <Chart
                    times={readings.map(({ atMs }) => atMs)}
                    series={[
                      { ...WAITING, values: readings.map((reading) => reading.onTheWay) },
                      { ...FAILED, values: readings.map(({ failed }) => failed) },
                    ]}
                    tz={ownZone}
                    grain="minute"
                    height={170}
                    windowMs={120_000}
                    summary="Events on the way, and dead or parked, in the last two minutes."
                  />
                  <Equation status={status} terse />
                </Card>
                {comparison !== undefined && (
                  <div class="card counters">
                    <Table
                      head={['counter', 'sent', 'counted', 'difference']}
                      rows={comparison.rows.map(({ entity, sent, counted }) => [
                        <bdi key="entity">{shownName(entity)}</bdi>,
                        whole(sent),
                        whole(counted),
                        <span key="difference" class={sent === counted ? 'good' : 'waiting'}>
                          {sent === counted ? '✓ none' : whole(counted - sent)}
                        </span>,
                      ])}
                    />
                  </div>
                )}
              </div>
            </div>
          );
        }}
      </Shown>
    </section>
  );
}

interface FaultCardProps {
  readonly fault: Fault;
  readonly onChange: (name: string, on: boolean) => Promise<void>;
}

function FaultCard({ fault: { name, title, expect, once, on }, onChange }: FaultCardProps) {
  const [times, setTimes] = useState(0);
  const described = { type: 'button', 'aria-describedby': `expect-${name}` } as const;
  return (
    <li class={`row card fault ${on ? 'on' : ''}`}>
      <div>
        <h2 id={`fault-${name}`}>{title}</h2>
        <p class="small muted" id={`expect-${name}`}>
          {expect}
        </p>
      </div>
      {once ? (
        <button {...described} onClick={() => void onChange(name, true).then(() => setTimes(times + 1))}>
          {times === 0 ? 'Poison' : `Poison again (${times})`}
        </button>
      ) : (
        <button
          {...described}
          role="switch"
          class="switch"
          aria-checked={on}
          aria-labelledby={`fault-${name}`}
          onClick={() => void onChange(name, !on)}
        />
      )}
    </li>
  );
}

interface ProofProps extends Pick<ViewProps, 'api' | 'status'> {
  readonly isBroken: boolean;
  readonly repair: () => Promise<void>;
  /** The latest one. */
  readonly comparison: Comparison | undefined;
  readonly onCompared: (comparison: Comparison) => void;
}

const LOOK_MS = 500;

/** Repairs everything, pauses the demo until all of it is counted, and compares counter by counter. */
function Proof({ api, status, isBroken, repair, comparison, onCompared }: ProofProps) {
  const { data: demo } = usePoll('demo', 1_000, readDemo);
  const card = useRef<HTMLDivElement>(null);
  const [isSettling, setSettling] = useState(false);
  /** How long it took from the repair until every counter was exact. */
  const [tookMs, setTookMs] = useState<number>();
  const [problem, setProblem] = useState<string>();
  const prove = async () => {
    const sinceMs = Date.now();
    setSettling(true);
    setTookMs(undefined);
    setProblem(undefined);
    try {
      await repair();
      const { sent = {}, metric = '' } = await runDemo(false);
      const queries = Object.keys(sent).map((entity) => ({ metric, entity }));
      try {
        for (;;) {
          const result = compare(sent, await totalsOf(api, queries));
          // The view was left.
          if (card.current === null) return;
          onCompared(result);
          if (result.isExact) return setTookMs(Date.now() - sinceMs);
          await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        }
      } finally {
        await runDemo(true);
      }
    } catch (error) {
      setTookMs(undefined);
      setProblem(messageOf(error));
    } finally {
      setSettling(false);
    }
  };
  if (demo !== undefined && demo.sent === undefined) {
    return (
      <Card title="No demo is running">
        <p class="muted">
          There is nothing to compare: a stack started with --no-demo or --data has no demo. The equation
          below holds for any traffic.
        </p>
      </Card>
    );
  }
  const { accepted = 0, repeated = 0 } = demo ?? {};
  const { rows = [], sent = accepted, counted = 0 } = comparison ?? {};
  const waiting = onTheWay(status);
  const isDone = tookMs !== undefined && !isSettling;
  const isExact = isDone && !isBroken;
  const [title, note] = isSettling
    ? [
        'Waiting until everything is counted …',
        `The demo pauses. ${whole(waiting + status.dead)} events are on the way. Dead ones return within a minute.`,
      ]
    : isExact
      ? ['Exact', `Each of ${rows.length} counters equals what was sent, ${span(tookMs)} after the repair.`]
      : [
          isBroken ? 'Something is broken' : 'Is every count exact?',
          `The demo has sent ${whole(accepted)} events, ${whole(repeated)} of them twice. ${whole(waiting)} are on the way.`,
        ];
  return (
    <div ref={card} class="card grid proof" aria-live="polite">
      <h2 class={isExact ? 'good' : ''}>{title}</h2>
      {(isSettling || isExact) && (
        <p class="big" data-proof={isExact ? 'exact' : undefined}>
          sent {whole(sent)}, counted {whole(counted)}
        </p>
      )}
      <p class="muted">{note}</p>
      {problem !== undefined && <p class="bad">The comparison failed: {problem}</p>}
      <button class="primary" type="button" disabled={isSettling} onClick={() => void prove()}>
        {isBroken ? 'Repair everything and compare' : `Compare ${isDone ? 'again' : 'every counter'}`}
      </button>
    </div>
  );
}
