// Generates the table in docs/settings.md from the settings' declarations.
import { z } from 'zod';
import { SETTINGS } from '../../lib/settings.ts';

/** A setting's schema from z.toJSONSchema. */
interface Described {
  readonly type?: string;
  readonly default?: unknown;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly multipleOf?: number;
  readonly anyOf?: readonly Described[];
}

/** A row for each setting: name, default, allowed values, meaning. */
export function settingsTable(): string {
  const rows = Object.entries(SETTINGS).map(([name, schema]) => {
    const setting = z.toJSONSchema(schema, { io: 'input' }) as Described;
    const { default: usual, description } = setting;
    return `| \`${name}\` | \`${JSON.stringify(usual)}\` | ${allowed(setting)} | ${description} |`;
  });
  return ['| setting | default | allowed | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function allowed(setting: Described): string {
  if (setting.anyOf !== undefined) return setting.anyOf.map(allowed).join(' or ');
  if (setting.const !== undefined) return JSON.stringify(setting.const);
  if (setting.enum !== undefined) return setting.enum.map((one) => JSON.stringify(one)).join(', ');
  if (setting.type === 'boolean') return 'true, false';
  if (setting.type === 'string') return 'text';
  if (setting.type === 'array') return 'a list';
  const step = setting.multipleOf === undefined ? '' : `, a multiple of ${setting.multipleOf}`;
  return `${setting.minimum} to ${setting.maximum}${step}`;
}
