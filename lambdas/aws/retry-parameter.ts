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

/**
 * The policy in a parameter. If the parameter is missing or invalid, the last valid value applies.
 * @param onProblem is called with the reason when the parameter cannot be used
 */
export function retryParameter(
  client: SSMClient,
  { name, rereadMs }: RetryParameterSettings,
  clock: Clock,
  onProblem: (problem: unknown) => void,
): RetryPolicySource {
  let policy: RetryPolicy = DEFAULT_RETRY_POLICY;
  let rereadAtMs = 0;
  return {
    async current() {
      if (clock.nowMs() < rereadAtMs) return policy;
      rereadAtMs = clock.nowMs() + rereadMs;
      try {
        const { Parameter } = await client.send(new GetParameterCommand({ Name: name }));
        policy = parseRetryPolicy(Parameter?.Value ?? '');
      } catch (problem) {
        onProblem(problem);
      }
      return policy;
    },
  };
}

/** The same, with its own client. */
export function openRetryParameter(
  settings: RetryParameterSettings,
  clock: Clock,
  onProblem: (problem: unknown) => void,
): RetryPolicySource {
  return retryParameter(ssm(), settings, clock, onProblem);
}
