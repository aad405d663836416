// The options that import and follow share: which service, how to read, where the state is, and how to send.
import { type Command, InvalidArgumentError } from 'commander';
import { callersPath } from '../paths.ts';
import { addServiceOptions, type ServiceFlags } from '../service.ts';
import { addFormatOptions, type FormatFlags, formatRequest } from '../shared/format-options.ts';
import { choice, wholeNumber } from '../shared/options.ts';
import { usersLabel } from '../source/state.ts';
import { stateHome } from '../source/state-store.ts';
import { UNCERTAIN, type UncertainPolicy } from './deliver.ts';
import type { ImportSettings } from './import-file.ts';

/** What `addDeliveryOptions` adds. */
export interface DeliveryFlags extends ServiceFlags, FormatFlags {
  readonly label: string;
  readonly state?: string;
  readonly resumeUncertain: UncertainPolicy;
  readonly dedupWindow: number;
  readonly concurrency: number;
  readonly timeout: number;
  readonly rejects?: string;
}

/** A number of seconds, up to a year. */
export const seconds = wholeNumber(0, 31_536_000);

/** A user's label: one that ends like `~2` would pass for one that `follow` made. */
function label(text: string): string {
  if (usersLabel(text) === text) return text;
  throw new InvalidArgumentError('It must not end with ~ and a number: follow numbers files in this way.');
}

/** Adds them. */
export function addDeliveryOptions(command: Command): Command {
  return addFormatOptions(addServiceOptions(command))
    .optionsGroup('Resuming:')
    .option('--state <dir>', 'folder of the state (default: .tally-import beside the file)', callersPath)
    .option('--label <name>', 'tells files apart that begin with the same bytes', label, '')
    .addOption(
      choice(
        '--resume-uncertain <how>',
        'what to do with requests that may be stored but are no longer recognised',
        UNCERTAIN,
        'hold',
      ),
    )
    .option('--dedup-window <seconds>', 'how long the service recognises a batch', seconds, 600)
    .optionsGroup('Sending:')
    .option('--concurrency <n>', 'requests at once', wholeNumber(1, 64), 4)
    .option('--timeout <seconds>', 'of one request', wholeNumber(1, 600), 30)
    .option('--rejects <file>', 'write malformed and rejected lines there', callersPath);
}

/** The settings from the flags, for every file. @param service its identity */
export function deliverySettings(flags: DeliveryFlags, service: string): ImportSettings {
  const { metric, metricField, label, state, dedupWindow, timeout, resumeUncertain, concurrency } = flags;
  return {
    target: { service, metric: metricField === undefined ? metric : `{${metricField}}`, label },
    format: formatRequest(flags),
    delivery: { dedupWindowMs: dedupWindow * 1000, timeoutMs: timeout * 1000, uncertain: resumeUncertain },
    concurrency,
    stateFolders: { chosen: state, home: stateHome() },
  };
}
