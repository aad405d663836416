// docs/settings.md and docs/metrics.md are what the code declares.
import { test } from 'node:test';
import { customMetrics } from '../../lib/metrics.ts';
import { checkGenerated } from '../support/generated-table.ts';
import { settingsTable } from '../support/settings-table.ts';

test('docs/settings.md has every setting', () => checkGenerated('settings.md', 'settings', settingsTable()));

test('docs/metrics.md has every metric', () => checkGenerated('metrics.md', 'metrics', metricsTable()));

function metricsTable(): string {
  const rows = customMetrics().map(
    ({ service, name, unit, emitted, what }) =>
      `| ${service} | \`${name}\` | ${unit} | ${emitted} | ${what} |`,
  );
  return ['| function | metric | unit | emitted | what |', '| --- | --- | --- | --- | --- |', ...rows].join(
    '\n',
  );
}
