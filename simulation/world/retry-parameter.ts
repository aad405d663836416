// A fake parameter with the retry policy: read again every minute, and the last good value holds.
import {
  DEFAULT_RETRY_POLICY,
  parseRetryPolicy,
  type RetryPolicy,
} from '../../lambdas/counting/retry-policy.ts';
import type { Clock, RetryPolicySource } from '../../lambdas/ports.ts';
import type { Network } from './network.ts';

/** The parameter's text, as an operator leaves it. */
export interface FakeParameter {
  text: string;
}

const REREAD_MS = 60_000;

/** What a warm container remembers of the parameter. */
export interface RememberedPolicy {
  policy: RetryPolicy;
  rereadAtMs: number;
}

/** Nothing remembered yet. */
export function nothingRemembered(): RememberedPolicy {
  return { policy: DEFAULT_RETRY_POLICY, rereadAtMs: 0 };
}

/** One client of the parameter. */
export class RetryParameterClient implements RetryPolicySource {
  readonly #parameter: FakeParameter;
  readonly #network: Network;
  readonly #clock: Clock;
  readonly #remembered: RememberedPolicy;

  constructor(parameter: FakeParameter, network: Network, clock: Clock, remembered = nothingRemembered()) {
    this.#parameter = parameter;
    this.#network = network;
    this.#clock = clock;
    this.#remembered = remembered;
  }

  async current(): Promise<RetryPolicy> {
    const remembered = this.#remembered;
    if (this.#clock.nowMs() < remembered.rereadAtMs) return remembered.policy;
    remembered.rereadAtMs = this.#clock.nowMs() + REREAD_MS;
    try {
      const request = { service: 'ssm', operation: 'getParameter', subject: '' } as const;
      const text = await this.#network.call({ ...request, effect: () => this.#parameter.text });
      remembered.policy = parseRetryPolicy(text);
    } catch {
      // What is missing or wrong never stops the writer.
    }
    return remembered.policy;
  }
}
