// The sentence with which a stage's settings are refused.
import assert from 'node:assert/strict';
import { configurationOf, type Settings } from '../../lib/configuration.ts';
import { ConfigurationError } from '../../lib/configuration-rules.ts';

/** The refusal of a production stage with these settings; fails if it is accepted. */
export function refusalOf(settings: Settings): string {
  try {
    configurationOf('prod', settings);
  } catch (error) {
    assert.ok(error instanceof ConfigurationError);
    return error.message;
  }
  assert.fail(`${JSON.stringify(settings)} was not refused`);
}
