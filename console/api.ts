// The console's one way to Tally: the public API, through the client.
import {
  type Count,
  type CountsAnswer,
  type StatusAnswer,
  TallyClient,
  TallyError,
  type TopAnswer,
} from '../client/src/index.ts';
import { apiUrl, wantsKey } from './place.ts';

export type { Count, CountsAnswer, StatusAnswer, TopAnswer };

const KEY = 'tally.apiKey';

/** The key of this session; undefined when none was given, or none is wanted. */
export function sessionKey(): string | undefined {
  return wantsKey ? (sessionStorage.getItem(KEY) ?? undefined) : undefined;
}

/** Keeps a key until the tab is closed; undefined forgets it. */
export function keepKey(key: string | undefined): void {
  if (key === undefined) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, key);
}

/** Reads of Tally. */
export type Api = Pick<TallyClient, 'counts' | 'countsBatch' | 'metrics' | 'top' | 'status'>;

/** The API with a key. */
export function apiWith(apiKey: string | undefined): Api {
  return new TallyClient({ url: apiUrl, apiKey, timeoutMs: 15_000 });
}

/** Why a read failed, as the console tells it apart. */
export type Failure =
  | { readonly kind: 'forbidden' }
  | { readonly kind: 'away'; readonly message: string }
  | { readonly kind: 'refused'; readonly message: string };

/** Tells failures apart: no permission, no answer (or one that may be better soon), or a question that is wrong. */
export function failureOf(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  const status = error instanceof TallyError ? error.status : undefined;
  if (status === 403 || status === 401) return { kind: 'forbidden' };
  // The client itself refuses names that no URL can hold.
  const refused = status === 400 || (error instanceof Error && error.name === 'InvalidEventError');
  if (refused) return { kind: 'refused', message: message.replace(/^GET \S+: 400 /, '') };
  return { kind: 'away', message };
}
