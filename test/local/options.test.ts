// The command line of `npm start`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readStartOptions } from '../../local/options.ts';

test('options', () => {
  const none = {
    port: undefined,
    dataDir: undefined,
    logs: undefined,
    settings: {},
    demo: true,
    help: false,
  };
  assert.deepEqual(readStartOptions([]), none);
  assert.deepEqual(readStartOptions(['--no-demo']), { ...none, demo: false });
  assert.deepEqual(readStartOptions(['--data', 'd']), { ...none, dataDir: 'd', demo: false });
  assert.deepEqual(readStartOptions(['--settings', '{"archiveRawEvents":true}']), {
    ...none,
    settings: { archiveRawEvents: true },
  });
  assert.deepEqual(readStartOptions(['--port=0', '--logs', 'l', '-h']), {
    ...none,
    port: 0,
    logs: 'l',
    help: true,
  });
});

for (const [args, reason] of [
  [['--prot', '1'], /--prot/],
  [['--port'], /--port/],
  [['--port', 'x'], /"x"/],
  [['--port', '70000'], /65535/],
  [['--port', '-1'], /--port/],
  [['--data'], /--data/],
  [['--data='], /--data takes a folder/],
  [['--settings', '[1]'], /--settings takes a JSON object/],
  [['--settings', 'streamShards=4'], /--settings takes a JSON object/],
  [['--no-demo=yes'], /no-demo/],
  [['somewhere'], /somewhere/],
] as const) {
  test(`${args.join(' ')} is refused`, () => {
    assert.throws(() => readStartOptions(args), { name: 'LocalStackError', message: reason });
  });
}
