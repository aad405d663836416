// The console's repeated reads, without a browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ContainerNode, h, render } from 'preact';

Object.assign(globalThis, {
  document: { documentElement: { dataset: {} }, querySelector: () => null, hidden: false },
  location: { origin: 'http://127.0.0.1', search: '' },
  matchMedia: () => new EventTarget(),
});
/** The page's types are not those of Node. */
const HOOKS = '../../console/hooks.ts';
const { usePoll } = await import(HOOKS);

test('an answer stays while its own question fails, and goes when another one does', async (t) => {
  let isAway = false;
  const read = async () => {
    if (isAway) throw new Error('away');
    return 'an answer';
  };
  let seen: { data?: string; failure?: { kind: string } } = {};
  const Page = ({ name }: { readonly name: string }) => {
    seen = usePoll(name, 1, read);
    return null;
  };
  const root = { childNodes: [], firstChild: null } as unknown as ContainerNode;
  t.after(() => render(null, root));
  const poll = async (name: string, isThere: () => boolean) => {
    render(h(Page, { name }), root);
    while (!isThere()) await new Promise(setImmediate);
  };
  await poll('a', () => seen.data !== undefined);
  isAway = true;
  await poll('a', () => seen.failure !== undefined);
  assert.equal(seen.data, 'an answer');
  isAway = false;
  await poll('b', () => seen.failure === undefined);
  isAway = true;
  await poll('c', () => seen.failure !== undefined);
  assert.equal(seen.data, undefined);
});
