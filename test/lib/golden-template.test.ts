// The whole production template, compared with the last reviewed one. UPDATE_SNAPSHOTS=1 accepts the new one.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { templateText } from '../support/stack-template.ts';

const path = join(import.meta.dirname, 'snapshots', 'Tally-prod.template.json');

test('the production template is the one in test/lib/snapshots', () => {
  const actual: unknown = JSON.parse(normalized(templateText('prod')));
  if (process.env['UPDATE_SNAPSHOTS'] === '1') {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${JSON.stringify(actual, null, 2)}\n`);
    return;
  }
  assert.ok(existsSync(path), 'There is no snapshot yet: UPDATE_SNAPSHOTS=1 makes one.');
  const expected: unknown = JSON.parse(readFileSync(path, 'utf8'));
  const found = differences(expected, actual, '');
  const more = found.length > 20 ? `\n… and ${found.length - 20} more` : '';
  assert.equal(
    found.length,
    0,
    `The template differs from its snapshot; if that is meant, run with UPDATE_SNAPSHOTS=1 and look at the diff:\n${found.slice(0, 20).join('\n')}${more}`,
  );
});

test('archiving raw events changes a variable and a permission of it, and nothing else', () => {
  const without: unknown = JSON.parse(normalized(templateText('prod')));
  const archiving: unknown = JSON.parse(normalized(templateText('prod', { archiveRawEvents: true })));
  const found = differences(without, archiving, '').map((line) => line.replaceAll(/[0-9A-F]{8}/g, ''));
  const changes = found.map((line) => /^\/Resources\/(\w+)\/(.*?): /.exec(line)?.slice(1).join(' ') ?? line);
  assert.deepEqual(changes.sort(), [
    'AggregatorFunction Properties/Environment/Variables/ARCHIVE_RAW_EVENTS',
    'AggregatorPolicy Properties/PolicyDocument/Statement/6/Resource/0',
    'AggregatorPolicy Properties/PolicyDocument/Statement/6/Resource/1',
    'AggregatorPolicy Properties/PolicyDocument/Statement/6/Resource/Fn::Join',
  ]);
});

/** The deployment's id is a hash of the whole API, and would repeat each change. */
function normalized(text: string): string {
  return text.replaceAll(/(ApiDeployment)[0-9a-f]{40}/g, '$1HASH');
}

/** Where two JSON values differ, and how, one line each. */
function differences(expected: unknown, actual: unknown, at: string): string[] {
  if (isObject(expected) && isObject(actual)) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
    return [...keys].flatMap((key) => differences(expected[key], actual[key], `${at}/${key}`));
  }
  const [before, after] = [JSON.stringify(expected), JSON.stringify(actual)];
  return before === after ? [] : [`${at}: ${before ?? 'nothing'} became ${after ?? 'nothing'}`];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
