// The options that say which service, and the settings of its client.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { METRIC_RULE } from '../../formats/select.ts';
import { isMetric } from '../../lambdas/core/event.ts';
import type { ServiceOptions } from '../service.ts';
import { UsageError } from './errors.ts';

/** What `addServiceOptions` adds. */
export interface ServiceFlags {
  readonly url?: string;
  readonly apiKey?: string;
  readonly metric: string;
}

/** Adds the options that say which service. */
export function addServiceOptions(command: Command): Command {
  return command
    .optionsGroup('Which service:')
    .option('--url <url>', 'its address, such as http://127.0.0.1:8787')
    .addOption(new Option('--api-key <key>', 'sent as x-api-key').env('TALLY_API_KEY'))
    .option('--metric <name>', 'metric to count under', metricName, 'view');
}

function metricName(text: string): string {
  if (isMetric(text)) return text;
  throw new InvalidArgumentError(`${METRIC_RULE}.`);
}

/** The settings of a client. @throws UsageError if the address is missing */
export function serviceOptions({
  url,
  apiKey,
  timeout,
  concurrency,
}: ServiceFlags & { readonly timeout: number; readonly concurrency: number }): ServiceOptions {
  if (url === undefined) throw new UsageError('--url is missing: give the address of a running Tally');
  return { url: url.replace(/\/+$/, ''), apiKey, timeoutMs: timeout * 1000, concurrency };
}
