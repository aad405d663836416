// How an object is announced.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announcedObject, announcementOf } from '../../lambdas/collector/announcement.ts';

test('an announcement is read as EventBridge writes it, and as the backfill does', () => {
  const object = { bucket: 'logs', key: 'web/a b.log', etag: 'abc', bytes: 7 };
  assert.deepEqual(announcedObject(JSON.stringify(announcementOf(object))), object);
  const event = {
    source: 'aws.s3',
    'detail-type': 'Object Created',
    detail: {
      bucket: { name: 'logs' },
      object: { key: 'web/a b.log', size: 7, etag: 'abc', 'version-id': 'v' },
    },
  };
  assert.deepEqual(announcedObject(JSON.stringify(event)), object);
  for (const other of ['', 'null', '{}', '{"detail":{"bucket":{"name":1}}}'])
    assert.equal(announcedObject(other), undefined);
  // Without a size, nothing of it would be read.
  for (const size of [undefined, null, '', '7', -1]) {
    const { detail } = announcementOf(object);
    const other = { detail: { ...detail, object: { ...detail.object, size } } };
    assert.equal(announcedObject(JSON.stringify(other)), undefined);
  }
});
