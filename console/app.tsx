// The console: what stands around the views, and what they share: the key, the status, whether Tally answers.
import { render } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { type Api, apiWith, keepKey, sessionKey } from './api.ts';
import { directoryOf, type MetricDirectory } from './directory.ts';
import { usePoll, useQuestion } from './hooks.ts';
import { readDemo } from './local.ts';
import { onTheWay } from './logic/accounts.ts';
import { whole } from './logic/format.ts';
import { VIEWS, type View } from './logic/question.ts';
import { clockTime } from './logic/zone.ts';
import { Failed, KeyForm, Loading } from './parts/states.tsx';
import { isLocal, ownZone, pollMs, wantsKey } from './place.ts';
import './style.css';
import { BreakView } from './views/break.tsx';
import { CountsView } from './views/counts.tsx';
import { LiveView } from './views/live.tsx';
import { PipelineView } from './views/pipeline.tsx';

const NAMES: Readonly<Record<View, string>> = {
  live: 'Live',
  counts: 'Counts',
  pipeline: 'Where every event is',
  break: 'Break it',
};

/** For narrow screens. */
const SHORT: Readonly<Record<View, string>> = { ...NAMES, pipeline: 'Pipeline' };

/** Answers of the status that are kept: some minutes. */
const SAMPLES_MAX = 180;

function App() {
  const [key, setKey] = useState(sessionKey);
  const api = useMemo(() => apiWith(key), [key]);
  const missing = wantsKey && key === undefined;
  const status = usePoll(missing ? undefined : `status ${key}`, pollMs, (signal) => api.status({ signal }));
  const samples = useSamples(status.data, status.atMs);
  const refused = status.failure?.kind === 'forbidden';
  const [question, ask, linkTo] = useQuestion();
  const directory = useDirectory(api, missing);
  const metric = question.metric === '' ? (directory?.metrics()[0] ?? '') : question.metric;
  const view = question.view === 'break' && !isLocal ? 'live' : question.view;
  useEffect(() => {
    document.title = `${NAMES[view]} · Tally`;
  }, [view]);
  const views = VIEWS.filter((each) => each !== 'break' || isLocal);
  const shared = {
    api,
    directory: directory ?? directoryOf({}),
    question: { ...question, metric },
    ask,
    linkTo,
  };
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header>
        <div class="brand">
          <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
            <rect width="32" height="32" rx="8" />
            <path d="M9 9v14M14 9v14M19 9v14M24 9v14M6 20 27 12" />
          </svg>
          <b>Tally</b>
          {isLocal && <span class="stage-name">local</span>}
        </div>
        <nav aria-label="Views">
          {views.map((each) => (
            <a
              key={each}
              href={linkTo({ view: each })}
              aria-current={each === view ? 'page' : undefined}
              onClick={(event) => {
                if (event.metaKey || event.ctrlKey) return;
                event.preventDefault();
                ask({ view: each });
              }}
            >
              <span>{NAMES[each]}</span>
              <span>{SHORT[each]}</span>
            </a>
          ))}
        </nav>
        <Connection away={status.failure?.kind === 'away'} atMs={status.atMs} />
      </header>
      <main id="main" tabIndex={-1}>
        <h1 class="hidden">{NAMES[view]}</h1>
        {missing || refused ? (
          <KeyForm
            refused={refused}
            onKey={(given) => {
              keepKey(given);
              setKey(given);
            }}
          />
        ) : (
          <>
            {status.data !== undefined && view !== 'pipeline' && (
              <Strip
                status={status.data}
                href={linkTo({ view: 'pipeline' })}
                onOpen={() => ask({ view: 'pipeline' })}
              />
            )}
            {directory === undefined ? (
              <Loading what="what is known" />
            ) : view === 'counts' ? (
              <CountsView {...shared} />
            ) : view === 'live' ? (
              <LiveView {...shared} samples={samples} />
            ) : status.data === undefined ? (
              status.failure === undefined ? (
                <Loading what="the status" />
              ) : (
                <Failed failure={status.failure} />
              )
            ) : view === 'pipeline' ? (
              <PipelineView status={status.data} />
            ) : (
              <BreakView api={api} status={status.data} samples={samples} />
            )}
          </>
        )}
      </main>
    </>
  );
}

/** In one line, on every view: what was accepted, and where it is. */
function Strip({
  status,
  href,
  onOpen,
}: {
  readonly status: Parameters<typeof onTheWay>[0];
  readonly href: string;
  readonly onOpen: () => void;
}) {
  const { accepted, received, counted, duplicate, rejected, dead, parked, expired, lost } = status;
  const parts = [
    [counted, 'counted', 'counted'],
    [onTheWay(status), 'on the way', 'waiting'],
    [duplicate, 'duplicate', 'aside'],
    [rejected, 'rejected', 'aside'],
    [dead, 'dead', 'bad'],
    [parked, 'parked', 'bad'],
    [expired, 'expired', 'aside'],
    [lost, 'lost', 'bad'],
  ] as const;
  return (
    <a
      class="strip"
      href={href}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey) return;
        event.preventDefault();
        onOpen();
      }}
    >
      <span>
        <b>{whole(accepted ?? received)}</b> {accepted === null ? 'received' : 'accepted'}
      </span>
      {parts
        .filter(([events, label]) => events > 0 || label === 'counted' || label === 'on the way')
        .map(([events, label, tone], index) => (
          <span key={label} class={tone}>
            <i aria-hidden="true">{index === 0 ? '=' : '+'}</i> <b>{whole(events)}</b> {label}
          </span>
        ))}
    </a>
  );
}

/** Whether Tally answers. */
function Connection({ away, atMs }: { readonly away: boolean; readonly atMs: number | undefined }) {
  return (
    <p class={away ? 'connection away' : 'connection'} role="status">
      {away
        ? `No answer${atMs === undefined ? '' : ` since ${clockTime(atMs, ownZone)}`}. Trying again …`
        : atMs === undefined
          ? 'Connecting …'
          : 'Connected'}
    </p>
  );
}

/** The last answers of the status, for what changes between them. */
function useSamples<S>(status: S | undefined, atMs: number | undefined) {
  const samples = useRef<readonly { readonly atMs: number; readonly status: S }[]>([]);
  if (status !== undefined && atMs !== undefined && samples.current.at(-1)?.atMs !== atMs) {
    samples.current = [...samples.current, { atMs, status }].slice(-SAMPLES_MAX);
  }
  return samples.current;
}

/** Undefined until it is known what there is. A stage without metrics, or that lists none, is no reason to wait. */
function useDirectory(api: Api, missing: boolean): MetricDirectory | undefined {
  const [directory, setDirectory] = useState<MetricDirectory>();
  useEffect(() => {
    if (missing) return;
    const demo = isLocal ? readDemo().catch(() => undefined) : undefined;
    void Promise.all([api.metrics().catch(() => []), demo]).then(([listed, sending]) => {
      const { metric, sent = {} } = sending ?? {};
      const sends = metric === undefined ? {} : { [metric]: Object.keys(sent) };
      // What Tally itself counts is for its canary.
      const others = listed.filter((name) => !name.startsWith('tally.')).map((name) => [name, []] as const);
      setDirectory(directoryOf({ ...Object.fromEntries(others), ...sends }));
    });
  }, [api, missing]);
  return directory;
}

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
