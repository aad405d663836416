// Least privilege at run time: every call that a function makes is allowed by its policy, and everything allowed is used.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { Json } from '../../local/json.ts';
import { type ObservedCall, StackObserver } from '../../local/observer.ts';
import { startDrill } from '../../proof/drill/drill.ts';
import { onlyLong } from '../support/long.ts';
import { patient } from '../support/patience.ts';
import { allows, type Grant, grantsIn, type Request, requestsOf, roleOf } from '../support/permissions.ts';
import { templateJson } from '../support/stack-template.ts';
import { STEPS } from './support/everything.ts';

/** What AWS itself does with a function's role, by the role's part and the action: it cannot be observed here. */
const USED_BY_AWS: readonly [role: RegExp, action: RegExp, why: string][] = [
  [/./, /^logs:(CreateLogStream|PutLogEvents)$/, 'Lambda writes the log of a function with its role'],
  [/^Aggregator/, /^kinesis:(DescribeStream|DescribeStreamSummary|ListStreams)$/, 'the mapping polls'],
  [/^Aggregator/, /^s3:(GetBucket|List)\*$/, 'Lambda looks at the destination of a mapping'],
  [/^Aggregator/, /^s3:\w+\*? aws\/lambda\//, 'Lambda writes to the destination of a mapping'],
  [/^Writer/, /^sqs:(ReceiveMessage|DeleteMessage|GetQueueAttributes)$/, 'the mapping polls and deletes'],
];

describe('least privilege', onlyLong, async () => {
  const seen = new Map<string, Request>();
  const denied = new Map<string, Request>();
  const strangers = new Set<string>();
  const calls: ObservedCall[] = [];
  const drill = await startDrill(
    templateJson('local', {
      aggregatorWindowSeconds: 0,
      // A retention for counts, so that rows can arrive too late.
      acceptPastSeconds: 86_400,
      minuteRetentionDays: 41,
      archiveRawEvents: true,
    }) as unknown as Json,
    new StackObserver().on('serviceCalled', (call) => calls.push(call)),
  );
  after(() => drill.stop());
  const grants = grantsIn(drill.stack.template);

  test('every action of the functions is performed once', patient, async () => {
    for (const step of Object.values(STEPS)) await step(drill);
    for (const call of calls) {
      const role = roleOf(drill.stack.template, call.caller);
      if (role === undefined) {
        strangers.add(call.caller);
        continue;
      }
      for (const asked of requestsOf(drill.stack.template, call)) {
        const request = { role, ...asked };
        const name = `${role} ${asked.action} ${asked.resource}`;
        seen.set(name, request);
        if (!grants.some((grant) => allows(grant, request))) denied.set(name, request);
      }
    }
    // Operators and tests sign with the name of the machine.
    assert.deepEqual([...strangers], ['function local']);
    assert.ok(seen.size > 50, `only ${seen.size} kinds of calls were seen`);
  });

  test('every call is allowed by the policy of its caller', () => {
    assert.deepEqual([...denied.keys()], []);
  });

  test('every action that a policy allows was used, or is used by AWS itself', () => {
    const unused = grants.filter(
      (grant) => ![...seen.values()].some((request) => allows(grant, request)) && !isUsedByAws(grant),
    );
    assert.deepEqual(
      unused.map(({ role, action, resource }) => `${role} ${action} ${resource}`),
      [],
    );
  });

  test('a call beyond a policy would be found', () => {
    const own = [...seen.values()].find(({ action }) => action === 's3:PutObject');
    assert.ok(own);
    const isAllowed = (request: Request) => grants.some((grant) => allows(grant, request));
    assert.ok(isAllowed(own));
    assert.ok(!isAllowed({ ...own, action: 's3:GetObject' }));
    assert.ok(
      !isAllowed({ ...own, resource: own.resource.replace(/^(arn:aws:s3:::[^/]+\/)\w+/, '$1elsewhere') }),
    );
    assert.ok(!isAllowed({ ...own, resource: own.resource.replace(/:::\w+/, ':::other') }));
    assert.ok(!isAllowed({ ...own, role: 'Nobody' }));
  });

  test('no exception is superfluous', () => {
    for (const [role, action, why] of USED_BY_AWS) {
      const excused = grants.filter((grant) => role.test(grant.role) && action.test(actionOf(grant)));
      assert.ok(excused.length > 0, `${why}: no such grant`);
      const used = excused.filter((grant) => [...seen.values()].some((request) => allows(grant, request)));
      assert.deepEqual(used, [], why);
    }
  });

  test('production grants the same permissions', () => {
    const shapeOf = (stage: string) =>
      Object.entries(templateJson(stage, { archiveRawEvents: true }).Resources)
        .filter(([, { Type }]) => Type === 'AWS::IAM::Policy')
        .map(([id, { Properties }]) => [id, JSON.stringify(Properties).replaceAll(`/${stage}/`, '/STAGE/')]);
    assert.deepEqual(shapeOf('prod'), shapeOf('local'));
  });
});

function isUsedByAws(grant: Grant): boolean {
  return USED_BY_AWS.some(([role, action]) => role.test(grant.role) && action.test(actionOf(grant)));
}

/** The action; for objects with the prefix they may have. */
function actionOf({ action, resource }: Grant): string {
  const [, prefix] = /^arn:aws:s3:::[^/]+\/(.*)$/.exec(resource) ?? [];
  return prefix === undefined ? action : `${action} ${prefix}`;
}
