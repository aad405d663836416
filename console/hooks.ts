// What views share: asking again and again, the page's URL, the colour scheme.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { type Failure, failureOf } from './api.ts';
import { type Question, questionIn, searchOf } from './logic/question.ts';
import { ownZone } from './place.ts';

/** What is known of something that is read again and again. */
export interface Polled<T> {
  /** The latest answer, also while a later read fails. */
  readonly data: T | undefined;
  /** Why the last read failed; undefined when it did not. */
  readonly failure: Failure | undefined;
  /** When the latest answer came, epoch milliseconds. */
  readonly atMs: number | undefined;
  /** Whether `data` answers what is asked now, and not what was asked before. */
  readonly isCurrent: boolean;
}

/** A failed read is repeated after this time at the latest. */
const RETRY_MS = 2_000;

/**
 * Reads at once, when `key` changes, and every `intervalMs`; not while the page is hidden.
 * @param key undefined: there is nothing to read
 * @param intervalMs undefined: once, and again only after a failure
 */
export function usePoll<T>(
  key: string | undefined,
  intervalMs: number | undefined,
  read: (signal: AbortSignal) => Promise<T>,
): Polled<T> {
  const [state, setState] = useState<{
    readonly data?: T;
    readonly failure?: Failure | undefined;
    readonly atMs?: number;
    readonly key?: string;
  }>({});
  const latest = useRef(read);
  latest.current = read;
  useEffect(() => {
    if (key === undefined) return;
    const stopping = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = (ms: number) => {
      timer = setTimeout(() => void run(), ms);
    };
    const run = async () => {
      if (document.hidden) {
        document.addEventListener('visibilitychange', () => void run(), {
          once: true,
          signal: stopping.signal,
        });
        return;
      }
      try {
        const data = await latest.current(stopping.signal);
        if (stopping.signal.aborted) return;
        setState({ data, atMs: Date.now(), key });
        if (intervalMs !== undefined) again(intervalMs);
      } catch (error) {
        if (stopping.signal.aborted) return;
        const failure = failureOf(error);
        setState((before) => ({ ...before, failure }));
        if (failure.kind === 'away') again(RETRY_MS);
      }
    };
    void run();
    return () => {
      stopping.abort();
      clearTimeout(timer);
    };
  }, [key, intervalMs]);
  return { data: state.data, failure: state.failure, atMs: state.atMs, isCurrent: state.key === key };
}

/** The question in the URL, and how to ask another. `replace` leaves no step behind for the back button. */
export function useQuestion(): [
  Question,
  (change: Partial<Question>, how?: 'push' | 'replace') => void,
  (change: Partial<Question>) => string,
] {
  const defaults = { tz: ownZone };
  const [question, setQuestion] = useState(() => questionIn(location.search, defaults));
  const current = useRef(question);
  current.current = question;
  useEffect(() => {
    const onPop = () => setQuestion(questionIn(location.search, defaults));
    addEventListener('popstate', onPop);
    return () => removeEventListener('popstate', onPop);
  }, []);
  const ask = useCallback((change: Partial<Question>, how: 'push' | 'replace' = 'push') => {
    const next = { ...current.current, ...change };
    const search = searchOf(next, defaults);
    if (how === 'push') history.pushState(null, '', search);
    else history.replaceState(null, '', search);
    setQuestion(next);
  }, []);
  const linkTo = useCallback(
    (change: Partial<Question>) => searchOf({ ...current.current, ...change }, defaults),
    [],
  );
  return [question, ask, linkTo];
}

/** Counts up whenever the colours on the page may have changed. */
export function useScheme(): number {
  const [version, setVersion] = useState(0);
  useEffect(() => {
    const media = matchMedia('(prefers-color-scheme: dark)');
    const onChange = () => setVersion((before) => before + 1);
    media.addEventListener('change', onChange);
    return () => media.removeEventListener('change', onChange);
  }, []);
  return version;
}

/** The time, moving. */
export function useNow(everyMs: number): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return nowMs;
}
