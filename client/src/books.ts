// The client's books: what became of every event that was counted, and who is told of those that were not taken.
import type { TallyEvent } from './event.ts';

/** An event that the client no longer tries to send. */
export interface Undelivered {
  /** The event, its id included. */
  readonly event: TallyEvent;
  /** Why, in words. */
  readonly reason: string;
  /** Whether an attempt may have stored it all the same: then it is counted once, or not. */
  readonly mayBeCounted: boolean;
}

/** Who is told what. A listener that throws, or whose promise rejects, disturbs nothing. */
export interface Listeners {
  /** Tally refuses the event, and would again. */
  readonly onRejected?: (undelivered: Undelivered) => unknown;
  /** It could not be sent in time: see `giveUpAfterMs`, `close()` and `exitDeadlineMs`; or the API key is wrong. */
  readonly onGivenUp?: (undelivered: Undelivered) => unknown;
  /** The buffer was full, or the client closed. */
  readonly onDropped?: (undelivered: Undelivered) => unknown;
  /** A request failed and is tried again, or never will be; for a log. */
  readonly onProblem?: (message: string) => unknown;
}

/** Numbers of events: `offered = accepted + rejected + givenUp + dropped + buffered + waiting`, at every moment. */
export interface TallyStats {
  /** Handed to `count()`. */
  readonly offered: number;
  /** Taken by Tally: it said so. */
  readonly accepted: number;
  readonly rejected: number;
  readonly givenUp: number;
  readonly dropped: number;
  /** In the buffer or on their way. */
  readonly buffered: number;
  /** Waiting for room in the buffer (`whenFull: 'wait'`). */
  readonly waiting: number;
  /** Requests sent, and those of them that did not store all their events. */
  readonly requests: number;
  readonly requestsFailed: number;
  /** Beacons that the browser took over when the page was left. */
  readonly beacons: number;
}

/** What can become of an event. */
export type Fate = 'accepted' | 'rejected' | 'givenUp' | 'dropped';

const LISTENER = { rejected: 'onRejected', givenUp: 'onGivenUp', dropped: 'onDropped' } as const;

/** Counts fates and tells of them. */
export class Books {
  offered = 0;
  requests = 0;
  requestsFailed = 0;
  beacons = 0;
  readonly #fates: Record<Fate, number> = { accepted: 0, rejected: 0, givenUp: 0, dropped: 0 };
  readonly #listeners: Listeners;

  constructor(listeners: Listeners) {
    this.#listeners = listeners;
  }

  /** Enters an event's end. */
  accept(): void {
    this.#fates.accepted += 1;
  }

  /** Enters an event's end and tells of it. */
  lose(fate: keyof typeof LISTENER, undelivered: Undelivered): void {
    this.#fates[fate] += 1;
    tell(this.#listeners[LISTENER[fate]], undelivered);
  }

  /** Tells of a request that failed. */
  problem(message: string): void {
    this.requestsFailed += 1;
    tell(this.#listeners.onProblem, message);
  }

  /** The numbers of now. */
  stats(buffered: number, waiting: number): TallyStats {
    const { offered, requests, requestsFailed, beacons } = this;
    return { offered, ...this.#fates, buffered, waiting, requests, requestsFailed, beacons };
  }
}

/** Calls a listener; its failures are its own. */
function tell<T>(listener: ((value: T) => unknown) | undefined, value: T): void {
  try {
    Promise.resolve(listener?.(value)).catch(() => {});
  } catch {
    // There is nobody to hand it to: the caller of count() has long gone on.
  }
}
