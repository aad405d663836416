// docs/settings.md and docs/metrics.md are what the code declares.
import { test } from 'node:test';
import { metricsTable } from '../../lib/metrics.ts';
import { settingsTable } from '../../lib/settings-table.ts';
import { checkGenerated } from '../support/generated-table.ts';

test('docs/settings.md has every setting', () => checkGenerated('settings.md', 'settings', settingsTable()));

test('docs/metrics.md has every metric', () => checkGenerated('metrics.md', 'metrics', metricsTable()));
