// The configuration of a stage: defaults, overridden by built-in stage defaults, overridden by the stage's own settings.
import { z } from 'zod';
import { ConfigurationError, checkRules } from './configuration-rules.ts';
import { shown } from './setting-kinds.ts';
import { SETTINGS } from './settings.ts';

/** Settings from a stage or the command line: any of them, by name. */
export type Settings = Readonly<Record<string, unknown>>;

/** A duration in the setting's unit, or no end. */
export type Bounded = number | 'forever';

const SCHEMA = z.object(SETTINGS);

/**
 * Every setting of a stage. A stage's settings are in cdk.json, `context.stages.<stage>`. The command line overrides them:
 * `npx tally deploy prod --settings '{"streamShards":2}'`.
 */
export interface Configuration extends Readonly<z.output<typeof SCHEMA>> {
  /** Name of the stage: part of the stack's name, the parameters' paths and the API's URL. */
  readonly stage: string;
}

/** The stage of the local stack. Its functions run from source. */
export const LOCAL_STAGE = 'local';

/** The local stack accepts logs of any age, and shows a count within two seconds. */
const LOCAL: Settings = {
  logLevel: 'WARN',
  apiKeys: false,
  throttleRequestsPerSecond: 10_000,
  streamShards: 2,
  aggregatorWindowSeconds: 1,
  acceptPastSeconds: 'forever',
  compactionSeconds: 60,
  ledgerRetentionDays: 'forever',
};

/** The name is part of the stack's name, the parameters' paths and the API's stage. */
const STAGE = /^[a-z][a-z0-9-]{0,15}$/;

/**
 * The configuration of a stage. Later layers win.
 * @throws ConfigurationError one sentence that names the setting and the nearest correct value
 */
export function configurationOf(stage: string, ...layers: Settings[]): Configuration {
  if (!STAGE.test(stage)) {
    const wanted = '1 to 16 lower-case letters, digits and hyphens, a letter first';
    throw new ConfigurationError(`stage must be ${wanted}, not ${shown(stage)}.`);
  }
  const { stage: _, ...given } = Object.assign({}, stage === LOCAL_STAGE ? LOCAL : {}, ...layers);
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(SETTINGS, name));
  if (unknown !== undefined) throw new ConfigurationError(unknownSetting(unknown));
  const { success, data, error } = SCHEMA.safeParse(given, { reportInput: true });
  if (!success) throw new ConfigurationError(error.issues.map(sentenceOf)[0]);
  const configuration: Configuration = { stage, ...data };
  checkRules(configuration);
  return configuration;
}

function sentenceOf({ code, path, message, input }: z.core.$ZodIssue): string {
  // These say themselves what is wrong.
  const given = ['custom', 'unrecognized_keys'].includes(code) ? '' : `, not ${shown(input)}`;
  return `${z.core.toDotPath(path)} must be ${message}${given}.`;
}

/** Parses settings from an object or JSON. @param name for the error @throws ConfigurationError */
export function settingsIn(value: unknown, name: string): Settings {
  let settings = value ?? {};
  try {
    if (typeof value === 'string') settings = JSON.parse(value);
  } catch (cause) {
    throw new ConfigurationError(`${name} must be JSON, such as {"streamShards":2}.`, { cause });
  }
  if (typeof settings === 'object' && settings !== null && !Array.isArray(settings))
    return settings as Settings;
  throw new ConfigurationError(`${name} must be an object of settings, such as {"streamShards":2}.`);
}

function unknownSetting(name: string): string {
  const letters = (text: string) => text.toLowerCase().replace(/[^a-z]/g, '');
  const wanted = letters(name);
  const near = Object.keys(SETTINGS).find(
    (known) => letters(known) === wanted || (wanted.length > 4 && letters(known).includes(wanted)),
  );
  return `${name} is not a setting: ${near === undefined ? 'docs/settings.md lists them.' : `did you mean ${near}?`}`;
}
