// The page: header, views, and what they share.
import { render } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { StatusAnswer } from '../client/src/index.ts';
import { type Api, apiWith, keepKey, sessionKey } from './api.ts';
import { type Polled, useNavigation, usePoll } from './hooks.ts';
import { readDemo } from './local.ts';
import { equationOf, onTheWay } from './logic/accounts.ts';
import { type Reading, withReading } from './logic/arrivals.ts';
import { whole } from './logic/format.ts';
import { VIEWS } from './logic/question.ts';
import { clockTime } from './logic/zone.ts';
import { Link } from './parts/fields.tsx';
import { NoPermission, Shown } from './parts/states.tsx';
import { icon, isLocal, ownZone, pollMs, wantsKey } from './place.ts';
import './style.css';
import { BreakView } from './views/break.tsx';
import { CountsView } from './views/counts.tsx';
import { LiveView } from './views/live.tsx';
import { PipelineView } from './views/pipeline.tsx';
import type { ViewProps } from './views/view.tsx';

/** The short name is for narrow screens. */
const PAGES = {
  live: { name: 'Live', short: 'Live', Body: LiveView },
  counts: { name: 'Counts', short: 'Counts', Body: CountsView },
  pipeline: { name: 'Where every event is', short: 'Pipeline', Body: PipelineView },
  break: { name: 'Break it', short: 'Break it', Body: BreakView },
};

/** A new metric appears within minutes. */
const KNOWN_MS = 30_000;

function App() {
  // The same key may be entered again.
  const [{ key, attempt }, setSession] = useState({ key: sessionKey(), attempt: 0 });
  const api = useMemo(() => apiWith(key), [key]);
  const isKeyMissing = wantsKey && key === undefined;
  const session = isKeyMissing ? undefined : `${attempt}`;
  const status = usePoll(session, pollMs, (signal) => api.status({ signal }));
  const isRefused = status.failure?.kind === 'forbidden';
  const readings = useReadings(status);
  const metrics = usePoll(session, KNOWN_MS, (signal) => readKnown(api, signal));
  const navigation = useNavigation();
  const { question } = navigation;
  const metric = question.metric || ([...(metrics.data?.known.keys() ?? [])][0] ?? '');
  const view = question.view === 'break' && !isLocal ? 'live' : question.view;
  const { name, Body } = PAGES[view];
  const shared = { ...navigation, api, readings, question: { ...question, metric } };
  useEffect(() => {
    document.title = `${name} · Tally`;
  }, [name]);
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="row">
        <div class="row brand">
          <img src={icon} alt="" width="26" height="26" />
          <b>Tally</b>
          {isLocal && <span class="small muted stage-name">local</span>}
        </div>
        <nav aria-label="Views">
          {VIEWS.filter((each) => each !== 'break' || isLocal).map((each) => (
            <Link key={each} {...navigation} to={{ view: each }} current={each === view}>
              <span class="wide">{PAGES[each].name}</span>
              <span class="narrow">{PAGES[each].short}</span>
            </Link>
          ))}
        </nav>
        <Connection status={status} />
      </header>
      <main id="main" tabIndex={-1}>
        <h1 class="hidden">{name}</h1>
        {isKeyMissing || isRefused ? (
          <NoPermission
            refused={isRefused}
            onKey={(given) => {
              keepKey(given);
              setSession({ key: given, attempt: attempt + 1 });
            }}
          />
        ) : (
          <Shown polled={metrics} what="the metrics">
            {(listed) => (
              <Shown polled={status} what="the status">
                {(accounts) => (
                  <>
                    {view !== 'pipeline' && <Strip status={accounts} {...navigation} />}
                    <Body {...shared} {...listed} status={accounts} />
                  </>
                )}
              </Shown>
            )}
          </Shown>
        )}
      </main>
    </>
  );
}

/** The equation in one line, on every view. */
function Strip({ status, ask, linkTo }: Pick<ViewProps, 'status' | 'ask' | 'linkTo'>) {
  const { left, terms } = equationOf(status);
  const settled = terms.filter(
    ({ name, tone, events }) => name === 'counted' || (tone !== 'waiting' && events > 0),
  );
  const events = onTheWay(status);
  const waiting = { name: 'onTheWay', label: 'on the way', tone: events > 0 ? 'waiting' : 'aside', events };
  return (
    <Link {...{ ask, linkTo }} to={{ view: 'pipeline' }} class="row card strip">
      <span>
        <b>{whole(left.events)}</b> {left.label}
      </span>
      {[...settled.slice(0, 1), waiting, ...settled.slice(1)].map(({ name, label, tone, events }, index) => (
        <span key={name} class={tone}>
          <i aria-hidden="true">{index === 0 ? '=' : '+'}</i> <b>{whole(events)}</b> {label}
        </span>
      ))}
    </Link>
  );
}

function Connection({ status: { failure, atMs } }: { readonly status: Polled<StatusAnswer> }) {
  const isAway = failure?.kind === 'away';
  const since = atMs === undefined ? '' : ` since ${clockTime(atMs, ownZone, Date.now())}`;
  return (
    <p class={`small connection ${isAway ? 'bad' : 'muted'}`} role="status">
      {isAway ? `No answer${since}. Trying again …` : atMs === undefined ? 'Connecting …' : 'Connected'}
    </p>
  );
}

function useReadings({ data, atMs }: Polled<StatusAnswer>): readonly Reading[] {
  const readings = useRef<readonly Reading[]>([]);
  if (data !== undefined && atMs !== undefined && readings.current.at(-1)?.atMs !== atMs)
    readings.current = withReading(readings.current, data, atMs);
  return readings.current;
}

/** The metrics that are listed, after the demo's. */
async function readKnown(api: Api, signal: AbortSignal) {
  const [listed, demo] = await Promise.all([
    api.metrics({ signal }),
    isLocal ? readDemo(signal).catch(() => undefined) : undefined,
  ]);
  const known = new Map<string, readonly string[]>();
  if (demo?.metric !== undefined) known.set(demo.metric, Object.keys(demo.sent ?? {}));
  // The canary counts under names of its own.
  for (const name of listed) if (!name.startsWith('tally.') && !known.has(name)) known.set(name, []);
  return { known, hasDemo: demo?.metric !== undefined };
}

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
