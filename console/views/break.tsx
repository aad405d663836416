// Break it: faults of the local stack as switches, what they do, and the proof that every count comes back exact.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Api, StatusAnswer } from '../api.ts';
import { usePoll } from '../hooks.ts';
import { type DemoState, type Fault, readDemo, readFaults, runDemo, setFault } from '../local.ts';
import { type Comparison, compare, onTheWay } from '../logic/accounts.ts';
import { shownName, span, whole } from '../logic/format.ts';
import { Chart } from '../parts/chart.tsx';
import { Equation } from '../parts/equation.tsx';
import { Failed, Loading } from '../parts/states.tsx';
import { ownZone } from '../place.ts';
import type { Sample } from './live.tsx';

export interface BreakProps {
  readonly api: Api;
  readonly status: StatusAnswer;
  readonly samples: readonly Sample[];
}

export function BreakView({ api, status, samples }: BreakProps) {
  const polled = usePoll('faults', 1_000, readFaults);
  const [switched, setSwitched] = useState<readonly Fault[]>();
  const [comparison, setComparison] = useState<Comparison>();
  useEffect(() => setSwitched(undefined), [polled.data]);
  const faults = switched ?? polled.data?.faults;
  const mend = async () => {
    for (const { name, on } of faults ?? []) if (on) setSwitched((await setFault(name, false)).faults);
  };
  if (faults === undefined) {
    return polled.failure === undefined ? <Loading what="the faults" /> : <Failed failure={polled.failure} />;
  }
  return (
    <section aria-label="Break it" class="break">
      <div>
        <p class="intro">
          Break the stack while the demo counts. Nothing is simulated: the switch stops the real function,
          refuses the real write. Then prove that no event was lost and none counted twice.
        </p>
        <ul class="faults">
          {faults.map((fault) => (
            <FaultCard key={fault.name} fault={fault} onSwitched={setSwitched} />
          ))}
        </ul>
      </div>
      <div>
        <Proof
          api={api}
          status={status}
          broken={faults.some(({ on }) => on)}
          mend={mend}
          onCompared={setComparison}
        />
        <div class="card">
          <div class="card-head">
            <h2>On the way, and dead</h2>
          </div>
          <History samples={samples} />
          <div class="legend">
            <span class="key waiting">unread and in flight</span>
            <span class="key bad">dead and parked</span>
          </div>
          <Equation accounts={status} terse={true} />
        </div>
        {comparison !== undefined && <Counters comparison={comparison} />}
      </div>
    </section>
  );
}

function FaultCard({
  fault,
  onSwitched,
}: {
  readonly fault: Fault;
  readonly onSwitched: (faults: readonly Fault[]) => void;
}) {
  const { name, title, expect, once, on } = fault;
  const [done, setDone] = useState(0);
  const change = async () => {
    onSwitched((await setFault(name, !on)).faults);
    setDone((before) => before + 1);
  };
  return (
    <li class={on ? 'card fault on' : 'card fault'}>
      <div>
        <h2 id={`fault-${name}`}>{title}</h2>
        <p class="muted">{expect}</p>
      </div>
      {once ? (
        <button type="button" aria-describedby={`fault-${name}`} onClick={() => void change()}>
          {done === 0 ? 'Poison' : `Again (${done})`}
        </button>
      ) : (
        <button
          type="button"
          role="switch"
          class="switch"
          aria-checked={on}
          aria-labelledby={`fault-${name}`}
          onClick={() => void change()}
        >
          <i aria-hidden="true" />
        </button>
      )}
    </li>
  );
}

function History({ samples }: { readonly samples: readonly Sample[] }) {
  return (
    <Chart
      times={samples.map(({ atMs }) => atMs)}
      series={[
        {
          label: 'on the way',
          kind: 'area',
          colour: '--waiting',
          values: samples.map(({ status }) => onTheWay(status)),
        },
        {
          label: 'dead and parked',
          kind: 'line',
          colour: '--bad',
          values: samples.map(({ status }) => status.dead + status.parked),
        },
      ]}
      tz={ownZone}
      grain="minute"
      height={170}
      windowMs={120_000}
      summary="Events on the way, and dead or parked, over the last minutes."
    />
  );
}

interface ProofProps {
  readonly api: Api;
  readonly status: StatusAnswer;
  readonly broken: boolean;
  readonly mend: () => Promise<void>;
  readonly onCompared: (comparison: Comparison) => void;
}

type Phase =
  | { readonly kind: 'idle' }
  | { readonly kind: 'settling'; readonly sinceMs: number; readonly sofar: Comparison | undefined }
  | { readonly kind: 'done'; readonly tookMs: number; readonly result: Comparison };

const LOOK_MS = 500;

/** Mends everything, lets the demo rest until all of it is counted, and compares counter by counter. */
function Proof({ api, status, broken, mend, onCompared }: ProofProps) {
  const demo = usePoll('demo', 1_000, readDemo);
  const [phase, setPhase] = useState<Phase>({ kind: 'idle' });
  const [problem, setProblem] = useState<string>();
  const gone = useRef(false);
  useEffect(
    () => () => {
      gone.current = true;
    },
    [],
  );
  const prove = async () => {
    const sinceMs = Date.now();
    setProblem(undefined);
    setPhase({ kind: 'settling', sinceMs, sofar: undefined });
    try {
      await mend();
      const { sent = {}, metric = '' } = await runDemo(false);
      try {
        for (;;) {
          const result = await compareNow(api, metric, sent);
          if (gone.current) return;
          onCompared(result);
          if (result.isExact) {
            setPhase({ kind: 'done', tookMs: Date.now() - sinceMs, result });
            return;
          }
          setPhase({ kind: 'settling', sinceMs, sofar: result });
          await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        }
      } finally {
        await runDemo(true);
      }
    } catch (error) {
      setPhase({ kind: 'idle' });
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  if (demo.data !== undefined && demo.data.sent === undefined) {
    return (
      <div class="card">
        <h2>No demo is running</h2>
        <p class="muted">
          Start the stack without --no-demo and --data, and its events can be compared with the counts here.
          The equation below holds for any traffic.
        </p>
      </div>
    );
  }
  return (
    <div class="card proof" aria-live="polite">
      {phase.kind === 'idle' && (
        <>
          <h2>{broken ? 'It is broken. Now mend it.' : 'Is every count exact?'}</h2>
          <Sofar demo={demo.data} status={status} />
        </>
      )}
      {phase.kind === 'settling' && (
        <>
          <h2>Waiting until all of it is counted …</h2>
          <p class="big">
            sent {whole(phase.sofar?.sent ?? demo.data?.accepted ?? 0)}, counted{' '}
            {whole(phase.sofar?.counted ?? 0)}
          </p>
          <p class="muted">
            The demo rests. {whole(onTheWay(status) + status.dead)} events are on their way; what had died
            comes back after up to a minute.
          </p>
        </>
      )}
      {phase.kind === 'done' && (
        <>
          <h2 class="good">Exact</h2>
          <p class="big" data-proof="exact">
            sent {whole(phase.result.sent)}, counted {whole(phase.result.counted)}
          </p>
          <p class="muted">
            Each of {phase.result.rows.length} counters is what was sent, {span(phase.tookMs)} after
            everything was mended.
          </p>
        </>
      )}
      {problem !== undefined && <p class="bad">It could not be compared: {problem}</p>}
      <button class="primary" type="button" disabled={phase.kind === 'settling'} onClick={() => void prove()}>
        {broken
          ? 'Mend everything and compare'
          : phase.kind === 'done'
            ? 'Compare again'
            : 'Compare every counter'}
      </button>
    </div>
  );
}

function Sofar({ demo, status }: { readonly demo: DemoState | undefined; readonly status: StatusAnswer }) {
  return (
    <p class="muted">
      The demo has sent {whole(demo?.accepted ?? 0)} events, {whole(demo?.repeated ?? 0)} of them twice;{' '}
      {whole(onTheWay(status))} are on their way.
    </p>
  );
}

function Counters({ comparison }: { readonly comparison: Comparison }) {
  return (
    <div class="card">
      <table class="counters">
        <thead>
          <tr>
            <th scope="col">counter</th>
            <th scope="col">sent</th>
            <th scope="col">counted</th>
            <th scope="col">
              <span class="hidden">exact</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {comparison.rows.map(({ entity, sent, counted }) => (
            <tr key={entity}>
              <td>
                <bdi>{shownName(entity)}</bdi>
              </td>
              <td>{whole(sent)}</td>
              <td>{whole(counted)}</td>
              <td class={sent === counted ? 'good' : 'waiting'}>
                {sent === counted ? '✓' : whole(counted - sent)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

async function compareNow(
  api: Api,
  metric: string,
  sent: Readonly<Record<string, number>>,
): Promise<Comparison> {
  const entities = Object.keys(sent);
  const counted = new Map<string, number>();
  if (entities.length > 0) {
    const answers = await api.countsBatch(entities.map((entity) => ({ metric, entity })));
    for (const answer of answers) if (!('error' in answer)) counted.set(answer.entity, Number(answer.total));
  }
  return compare(sent, counted);
}
