// Deleted entities: what had arrived by then may be missing, what came later may not, and others never.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DELETION_MARGIN_MS, entityHash, mayBeDeleted } from '../../lambdas/counting/deleted-entities.ts';

const AT = Date.UTC(2026, 10, 22, 5);
const deleted = new Map([[entityHash('/a'), AT]]);

test('a segment that had arrived when the entity was deleted may miss from its items', () => {
  assert.ok(mayBeDeleted(deleted, '/a', AT - 1));
  assert.ok(mayBeDeleted(deleted, '/a', AT + DELETION_MARGIN_MS));
  assert.ok(!mayBeDeleted(deleted, '/a', AT + DELETION_MARGIN_MS + 1));
  assert.ok(!mayBeDeleted(deleted, '/b', AT - 1));
  assert.ok(!mayBeDeleted(new Map(), '/a', AT - 1));
});

test('the hash does not show the name', () => {
  assert.match(entityHash('/a'), /^[0-9a-f]{64}$/);
});
