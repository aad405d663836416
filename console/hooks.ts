// What views share: repeated reads, the page's URL, the colour scheme.
import { useEffect, useRef, useState } from 'preact/hooks';
import { type Failure, failureOf } from './api.ts';
import { type Question, questionIn, searchOf } from './logic/question.ts';
import { ownZone } from './place.ts';

export interface Polled<T> {
  /** The latest answer; it stays while later reads of the same question fail. */
  readonly data: T | undefined;
  /** Why the last read failed. */
  readonly failure: Failure | undefined;
  /** When the latest answer came, epoch milliseconds. */
  readonly atMs: number | undefined;
  /** Whether `data` answers the present question. */
  readonly isCurrent: boolean;
}

const RETRY_MS = 2_000;
const NOTHING = { data: undefined, failure: undefined, atMs: undefined };

/**
 * Reads at once, when `key` changes, and every `intervalMs`, unless the page is hidden.
 * @param key undefined: do not read
 * @param intervalMs undefined: read once, and again only after a failure
 */
export function usePoll<T>(
  key: string | undefined,
  intervalMs: number | undefined,
  read: (signal: AbortSignal) => Promise<T>,
): Polled<T> {
  const [state, setState] = useState<Omit<Polled<T>, 'isCurrent'> & { readonly key?: string }>(NOTHING);
  const latest = useRef(read);
  latest.current = read;
  useEffect(() => {
    if (key === undefined) return;
    const stopping = new AbortController();
    const { signal } = stopping;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const run = async () => {
      if (document.hidden) {
        document.addEventListener('visibilitychange', () => void run(), { once: true, signal });
        return;
      }
      let nextMs = intervalMs;
      try {
        const data = await latest.current(signal);
        if (!signal.aborted) setState({ data, failure: undefined, atMs: Date.now(), key });
      } catch (error) {
        const failure = failureOf(error);
        if (!signal.aborted)
          setState((before) => ({ ...(before.key === key ? before : { ...NOTHING, key }), failure }));
        nextMs = failure.kind === 'away' ? RETRY_MS : undefined;
      }
      if (!signal.aborted && nextMs !== undefined) timer = setTimeout(() => void run(), nextMs);
    };
    void run();
    return () => {
      stopping.abort();
      clearTimeout(timer);
    };
  }, [key, intervalMs]);
  return { ...state, isCurrent: state.key === key };
}

/** The question in the URL, and how to get to another one. */
export interface Navigation {
  readonly question: Question;
  readonly ask: (change: Partial<Question>) => void;
  readonly linkTo: (change: Partial<Question>) => string;
}

export function useNavigation(): Navigation {
  const [question, setQuestion] = useState(() => questionIn(location.search, ownZone));
  useListener(window, 'popstate', () => setQuestion(questionIn(location.search, ownZone)));
  return {
    question,
    ask: (change) => {
      // The URL is up to date even between a change and its rendering.
      const next = { ...questionIn(location.search, ownZone), ...change };
      history.pushState(null, '', searchOf(next, ownZone));
      setQuestion(next);
    },
    linkTo: (change) => searchOf({ ...question, ...change }, ownZone),
  };
}

const DARK = matchMedia('(prefers-color-scheme: dark)');

/** Counts the changes of the colour scheme. */
export function useScheme(): number {
  const [version, setVersion] = useState(0);
  useListener(DARK, 'change', () => setVersion((before) => before + 1));
  return version;
}

function useListener(target: EventTarget, type: string, listener: () => void): void {
  useEffect(() => {
    target.addEventListener(type, listener);
    return () => target.removeEventListener(type, listener);
  }, []);
}

export function useNow(): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return nowMs;
}
