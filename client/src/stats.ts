// The outcome of every event, and the listeners for undelivered events.
import type { TallyEvent } from './event.ts';
import type { Platform } from './platform.ts';

/** An event that the client no longer tries to send. */
export interface Undelivered {
  /** The event, with its id if it has one. */
  readonly event: TallyEvent;
  /** Why, in words. */
  readonly reason: string;
  /** Whether an attempt may have stored it nevertheless: then it is counted once, or not at all. */
  readonly mayBeCounted: boolean;
}

/** Listeners. If one throws, or its promise rejects, nothing else is affected. */
export interface Listeners {
  /** Tally refuses the event, now and always. */
  readonly onRejected?: (undelivered: Undelivered) => unknown;
  /** It could not be sent in time: see `giveUpAfterMs`, `close()` and `exitDeadlineMs`; or the API key is wrong. */
  readonly onGivenUp?: (undelivered: Undelivered) => unknown;
  /** The buffer was full, or the client closed. */
  readonly onDropped?: (undelivered: Undelivered) => unknown;
  /** A request failed and will be retried, or never will be; for a log. */
  readonly onProblem?: (message: string) => unknown;
}

/** Numbers of events; always `offered = accepted + rejected + givenUp + dropped + buffered + waiting`. */
export interface TallyStats {
  /** Passed to `count()`. */
  readonly offered: number;
  /** Confirmed by Tally. */
  readonly accepted: number;
  readonly rejected: number;
  readonly givenUp: number;
  readonly dropped: number;
  /** In the buffer or in flight. */
  readonly buffered: number;
  /** Waiting for room in the buffer (`whenFull: 'wait'`). */
  readonly waiting: number;
  /** Requests sent, and how many of them did not store all their events. */
  readonly requests: number;
  readonly requestsFailed: number;
  /** Beacons that the browser accepted when the page was left. */
  readonly beacons: number;
}

const LISTENER = { rejected: 'onRejected', givenUp: 'onGivenUp', dropped: 'onDropped' } as const;

/** Counts outcomes and calls listeners. */
export class Stats {
  offered = 0;
  requests = 0;
  requestsFailed = 0;
  beacons = 0;
  accepted = 0;
  readonly #lost = { rejected: 0, givenUp: 0, dropped: 0 };
  readonly #listeners: Listeners;
  readonly #warn: Platform['warn'];
  #hasWarned = false;

  /** @param warn called once, for the first lost event without a listener */
  constructor(listeners: Listeners, warn: Platform['warn']) {
    this.#listeners = listeners;
    this.#warn = warn;
  }

  /** Records a lost event and calls its listener. */
  lose(fate: keyof typeof LISTENER, undelivered: Undelivered): void {
    this.#lost[fate] += 1;
    const listener = this.#listeners[LISTENER[fate]];
    if (listener !== undefined) tell(listener, undelivered);
    else if (!this.#hasWarned) {
      this.#hasWarned = true;
      this.#warn(
        `tally-client: an event was not delivered: ${undelivered.reason}. Give ${LISTENER[fate]} to hear of each; there is no further warning.`,
      );
    }
  }

  /** Reports a request that failed. */
  problem(message: string): void {
    this.requestsFailed += 1;
    const { onProblem } = this.#listeners;
    if (onProblem !== undefined) tell(onProblem, message);
  }

  /** The current numbers. */
  now(buffered: number, waiting: number): TallyStats {
    const { offered, accepted, requests, requestsFailed, beacons } = this;
    return { offered, accepted, ...this.#lost, buffered, waiting, requests, requestsFailed, beacons };
  }
}

/** Calls a listener and ignores its errors. */
export function tell<T>(listener: (value: T) => unknown, value: T): void {
  try {
    Promise.resolve(listener(value)).catch(() => {});
  } catch {
    // The caller of count() has long continued, so there is no one to report the error to.
  }
}
