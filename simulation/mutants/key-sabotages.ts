// The sabotages of the idempotency key: made of whatever batch is at hand, instead of the segment that the ledger fixed.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts to find and put are source code.
import type { Sabotage } from './sabotage.ts';

const AGGREGATE = 'lambdas/aggregator/aggregate.ts';
const MESSAGE = 'lambdas/counting/rollup-message.ts';
const WRITE = 'lambdas/writer/write.ts';
const COUNTER = 'lambdas/counting/counter-item.ts';

/** Messages carry a key made of their batch, and counter items remember keys instead of segments. */
function keyOfBatch(name: string, key: string): Sabotage {
  const edits: [string, string, string][] = [
    [
      AGGREGATE,
      '  const { ledger, listener } = ports;\n',
      '  const { ledger, listener } = ports;\n' +
        '  const [from, to] = [batch.records[0]?.sequenceNumber, batch.records.at(-1)?.sequenceNumber];\n' +
        `  ports = { ...ports, key: \`\${batch.shard}/\${${key}}\` };\n`,
    ],
    [
      AGGREGATE,
      '{ ledger, queue, rejected, raw: rawArchive, windows, listener, clock }',
      '{ ledger, queue, rejected, raw: rawArchive, windows, listener, clock, key }',
    ],
    [
      AGGREGATE,
      'await queue.send(output.parts.map(({ message }) => message));',
      'await queue.send(output.parts.map(({ message }) => ({ ...message, body: message.body.replace("{", `{"key":"${key}",`) })));',
    ],
    [
      MESSAGE,
      '    segment: segmentNamed(segment),\n',
      '    key: (value as { key: string }).key,\n    segment: segmentNamed(segment),\n',
    ],
    [
      WRITE,
      'item.contributions.push({ segment: content.segment, row, part });',
      'item.contributions.push({ segment: content.segment, row: { ...row, key: content.key }, part });',
    ],
    [
      WRITE,
      '({ segment }) => !result.has(segment)',
      '({ segment, row }) => !result.has(segment) && !result.has(row.key)',
    ],
    [
      COUNTER,
      'return { key, segments: contributions.map(({ segment }) => segment), events, minutes, expiresAt };',
      'const keys = contributions.map(({ row }) => row.key);\n' +
        '  return { key, keys, segments: contributions.map(({ segment }) => segment), events, minutes, expiresAt };',
    ],
    [COUNTER, '{ SS: [...update.segments] }', '{ SS: [...new Set(update.keys)] }'],
    [COUNTER, 'update.segments.map((segment, index) => {', 'update.keys.map((segment, index) => {'],
  ];
  return { name, edits: edits.map(([file, find, put]) => ({ file, find, put })) };
}

export const KEY_SABOTAGES: readonly Sabotage[] = [
  keyOfBatch("key from the batch's first", 'from'),
  keyOfBatch("key from the batch's last", 'to'),
  keyOfBatch("key from the batch's range", 'from}-${to'),
];
