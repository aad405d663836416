// The attacked process: a local stack that answers its parent. What it complains of goes to its standard error.
import { startLocalStack } from '../../local/stack.ts';

/** Where the victim can be attacked: the first message to its parent. */
export interface Places {
  readonly port: number;
  readonly kinesis: string;
  readonly sqs: string;
  readonly stream: string;
  readonly queueUrl: string;
}

/** The answer to `memory`. */
export interface Memory {
  readonly heapBytes: number;
  readonly rssBytes: number;
}

const say = (message: Places | Memory) => void process.send?.(message);

const stack = await startLocalStack({
  onProblem: (message) => console.error(message),
  onCrash: (error) => console.error(`an emulator ended: ${error.message}`),
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
  say({ heapBytes: heapUsed + external, rssBytes: rss });
});
process.once('disconnect', () => void stack.stop());

const logicalId = (type: string, start: string) =>
  stack.template.ofType(type).find((resource) => resource.logicalId.startsWith(start))?.logicalId ?? '';
say({
  port: Number(new URL(stack.url).port),
  kinesis: stack.endpoints.kinesis,
  sqs: stack.endpoints.sqs,
  stream: stack.ref(logicalId('AWS::Kinesis::Stream', 'Events')),
  queueUrl: stack.ref(logicalId('AWS::SQS::Queue', 'RollupsMessages')),
});
