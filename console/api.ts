// The public API, through the client.
import { type CountsBatchQuestion, type ReadOptions, TallyClient, TallyError } from '../client/src/index.ts';
import { apiUrl, wantsKey } from './place.ts';

const KEY = 'tally.apiKey';

export function sessionKey(): string | undefined {
  return wantsKey ? (sessionStorage.getItem(KEY) ?? undefined) : undefined;
}

export function keepKey(key: string): void {
  sessionStorage.setItem(KEY, key);
}

export type Api = Pick<TallyClient, 'counts' | 'countsBatch' | 'metrics' | 'top' | 'status'>;

export function apiWith(apiKey: string | undefined): Api {
  return new TallyClient({ url: apiUrl, apiKey, timeoutMs: 15_000 });
}

/** The totals by entity, without those that Tally cannot answer. */
export async function totalsOf(api: Api, queries: readonly CountsBatchQuestion[], options?: ReadOptions) {
  const answers = queries.length === 0 ? [] : await api.countsBatch(queries, options);
  return new Map(answers.flatMap((each) => ('error' in each ? [] : [[each.entity, Number(each.total)]])));
}

/** Why a read failed: no permission, an invalid question, or anything that may pass. */
export interface Failure {
  readonly kind: 'forbidden' | 'refused' | 'away';
  readonly message: string;
}

export const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

export function failureOf(error: unknown): Failure {
  const message = messageOf(error);
  const status = error instanceof TallyError ? error.status : undefined;
  if (status === 401 || status === 403) return { kind: 'forbidden', message };
  // The client itself refuses names that no URL can contain.
  const isRefused = status === 400 || (error instanceof Error && error.name === 'InvalidEventError');
  return isRefused
    ? { kind: 'refused', message: message.replace(/^\w+ \S+: 400 /, '') }
    : { kind: 'away', message };
}
