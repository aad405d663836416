// The retry policy from a parameter, read again every minute while the function runs.
import { GetParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
import { DEFAULT_RETRY_POLICY, parseRetryPolicy, type RetryPolicy } from '../counting/retry-policy.ts';
import type { Clock, RetryPolicySource } from '../ports.ts';

/** How long a value is used before the parameter is read again. */
const REREAD_MS = 60_000;

/** The parameter in Systems Manager. What is missing or wrong never stops the writer: the last good value holds. */
export class RetryParameter implements RetryPolicySource {
  readonly #client: SSMClient;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #onProblem: (problem: unknown) => void;
  #policy: RetryPolicy = DEFAULT_RETRY_POLICY;
  #rereadAtMs = 0;

  /** @param onProblem hears why the parameter could not be used */
  constructor(client: SSMClient, name: string, clock: Clock, onProblem: (problem: unknown) => void) {
    this.#client = client;
    this.#name = name;
    this.#clock = clock;
    this.#onProblem = onProblem;
  }

  async current(): Promise<RetryPolicy> {
    if (this.#clock.nowMs() < this.#rereadAtMs) return this.#policy;
    this.#rereadAtMs = this.#clock.nowMs() + REREAD_MS;
    try {
      const { Parameter } = await this.#client.send(new GetParameterCommand({ Name: this.#name }));
      this.#policy = parseRetryPolicy(Parameter?.Value ?? '');
    } catch (problem) {
      this.#onProblem(problem);
    }
    return this.#policy;
  }
}
