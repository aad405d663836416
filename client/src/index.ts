// The package's exports.
export type { Backoff } from './backoff.ts';
export { type Deadline, TallyClient } from './client.ts';
export { type EventDetails, InvalidEventError, type TallyEvent } from './event.ts';
export { TallyError } from './http.ts';
export type { TallyOptions, WhenFull } from './options.ts';
export type { Exit, Fetch, FetchAnswer, Page, Platform } from './platform.ts';
export type {
  Count,
  CountPoint,
  CountsAnswer,
  CountsBatchAnswer,
  CountsBatchQuestion,
  CountsOfStretch,
  CountsQuestion,
  Grain,
  ReadOptions,
  StatusAccounts,
  StatusAnswer,
  StatusHour,
  TopAnswer,
  TopGrain,
  TopQuestion,
} from './reads.ts';
export type { Delivery, RejectedEvent, SendOptions, UndeliveredEvent } from './sender.ts';
export type { Listeners, TallyStats, Undelivered } from './stats.ts';
