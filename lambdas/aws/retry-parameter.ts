// The retry policy from a parameter in Systems Manager, reread at an interval.
import { GetParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
import { DEFAULT_RETRY_POLICY, parseRetryPolicy, type RetryPolicy } from '../core/retry-policy.ts';
import type { Clock, RetryPolicySource } from '../ports.ts';
import { ssm } from './clients/ssm.ts';

export interface RetryParameterSettings {
  readonly name: string;
  /** How long a value is used before the parameter is read again. */
  readonly rereadMs: number;
}

/** The parameter in Systems Manager. If it is missing or invalid, the last valid value applies. */
export class RetryParameter implements RetryPolicySource {
  readonly #client: SSMClient;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #rereadMs: number;
  readonly #onProblem: (problem: unknown) => void;
  #policy: RetryPolicy = DEFAULT_RETRY_POLICY;
  #rereadAtMs = 0;

  /** @param onProblem is called with the reason when the parameter cannot be used */
  constructor(
    client: SSMClient,
    { name, rereadMs }: RetryParameterSettings,
    clock: Clock,
    onProblem: (problem: unknown) => void,
  ) {
    this.#client = client;
    this.#name = name;
    this.#rereadMs = rereadMs;
    this.#clock = clock;
    this.#onProblem = onProblem;
  }

  async current(): Promise<RetryPolicy> {
    if (this.#clock.nowMs() < this.#rereadAtMs) return this.#policy;
    this.#rereadAtMs = this.#clock.nowMs() + this.#rereadMs;
    try {
      const { Parameter } = await this.#client.send(new GetParameterCommand({ Name: this.#name }));
      this.#policy = parseRetryPolicy(Parameter?.Value ?? '');
    } catch (problem) {
      this.#onProblem(problem);
    }
    return this.#policy;
  }
}

/** The parameter, with its own client. */
export function openRetryParameter(
  settings: RetryParameterSettings,
  clock: Clock,
  onProblem: (problem: unknown) => void,
): RetryParameter {
  return new RetryParameter(ssm(), settings, clock, onProblem);
}
