// The attacked process: a local stack that answers its parent.
import { startLocalStack } from '../../local/stack.ts';

/** What the victim reports about itself. */
export type VictimReport =
  | {
      readonly kind: 'ready';
      readonly port: number;
      readonly kinesis: string;
      readonly sqs: string;
      readonly stream: string;
      readonly queueUrl: string;
    }
  | { readonly kind: 'memory'; readonly heapBytes: number; readonly rssBytes: number }
  | { readonly kind: 'problem'; readonly message: string };

const say = (report: VictimReport) => void process.send?.(report);

const stack = await startLocalStack({
  onProblem: (message) => say({ kind: 'problem', message }),
  onCrash: (error) => say({ kind: 'problem', message: `an emulator ended: ${error.message}` }),
});

process.on('message', (ask) => {
  if (ask === 'stop') {
    void stack.stop().then(() => process.disconnect());
    return;
  }
  // Twice: the second round collects what the first one finalizes.
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  say({ kind: 'memory', heapBytes: heapUsed + external, rssBytes: rss });
});
process.once('disconnect', () => void stack.stop());

const logicalId = (type: string, start: string) =>
  stack.template.ofType(type).find((resource) => resource.logicalId.startsWith(start))?.logicalId ?? '';
say({
  kind: 'ready',
  port: Number(new URL(stack.url).port),
  kinesis: stack.endpoints.kinesis,
  sqs: stack.endpoints.sqs,
  stream: stack.ref(logicalId('AWS::Kinesis::Stream', 'Events')),
  queueUrl: stack.ref(logicalId('AWS::SQS::Queue', 'RollupsMessages')),
});
