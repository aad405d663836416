// The deployed adapters' calls as requests on a network, named for what they do, so that faults can target one.
import type { Call, Transport } from '../../../fake-aws/call.ts';
import type { Item } from '../../../fake-aws/dynamodb/values.ts';
import { TABLES, URLS } from './names.ts';
import type { Network, Request } from './network.ts';

/** The parts of a call that determine its name. */
interface Input {
  readonly TableName?: string;
  readonly Key?: Item | string;
  readonly Item?: Item;
  readonly UpdateExpression?: string;
  readonly ExpressionAttributeValues?: Item;
  readonly RequestItems?: Readonly<Record<string, unknown>>;
  readonly QueueUrl?: string;
  readonly MessageBody?: string;
  readonly Entries?: readonly { readonly MessageBody?: string; readonly ReceiptHandle?: string }[];
  readonly ReceiptHandle?: string;
  readonly ShardId?: string;
  readonly Prefix?: string;
  readonly Name?: string;
}

type Named = Omit<Request<unknown>, 'effect'>;

/** A transport that turns calls into requests. */
export function transportOver(network: Network): Transport {
  return (call, effect) => network.call({ ...named(call), effect });
}

/** What a call of the ledger does, by its command and the kind of item. */
const LEDGER_CALLS: Readonly<Record<string, string>> = {
  'GetItem HEAD': 'readHead',
  'PutItem SHARDS': 'registerShard',
  'Query SHARDS': 'shards',
  'PutItem IDS': 'putIds',
  'GetItem IDS': 'readIds',
  'PutItem SEG': 'putEntry',
  'GetItem SEG': 'readEntry',
  'Query SEG': 'queryEntries',
  'BatchGetItem SEG': 'readEntries',
  'GetItem BOOKS': 'readCheckpoint',
  'PutItem BOOKS': 'putCheckpoint',
  'PutItem GAP': 'recordGap',
  'PutItem COMPLETE_THROUGH': 'putWatermark',
  'GetItem COMPLETE_THROUGH': 'readWatermark',
  'GetItem STATE': 'readState',
  'Query DELETIONS': 'readDeletions',
  'PutItem DELETIONS': 'registerDeletion',
  'GetItem GENERATIONS': 'readGenerations',
  'PutItem GENERATIONS': 'putGenerations',
};

/** What putting a head does, by its status. */
const HEAD_PUTS: Readonly<Record<string, string>> = {
  planned: 'putPlan',
  sent: 'markSent',
  ended: 'endHead',
};

/** What a call of the table of counts does, by its command and the kind of item. */
const COUNTS_CALLS: Readonly<Record<string, string>> = {
  'PutItem DELTA': 'putDelta',
  'GetItem DELTA': 'readDelta',
  'Query DELTA': 'queryDeltas',
  'PutItem BLOCK': 'putBlock',
  'GetItem BLOCK': 'probe',
  'BatchGetItem BLOCK': 'readBlocks',
  'Query BLOCK': 'queryBlocks',
  'UpdateItem DELTA': 'replaceDelta',
  'UpdateItem LATE': 'replaceLate',
  'PutItem LATE': 'putLate',
  'Query LATE': 'queryLate',
  'PutItem TOP': 'putTop',
  'GetItem TOP': 'readTop',
  'PutItem METRICS': 'addMetric',
  'Query METRICS': 'metrics',
};

const OTHER_CALLS: Readonly<Record<string, string>> = {
  ListShards: 'listShards',
  GetShardIterator: 'getShardIterator',
  GetRecords: 'getRecords',
  SendMessageBatch: 'sendBatch',
  ChangeMessageVisibility: 'changeVisibility',
  ChangeMessageVisibilityBatch: 'release',
  ReceiveMessage: 'take',
  DeleteMessage: 'remove',
  GetObject: 'get',
  DeleteObject: 'delete',
  ListObjectsV2: 'list',
  GetParameter: 'getParameter',
};

function named({ service, operation, input: given }: Call): Named {
  const input = given as Input;
  if (service === 'dynamodb') return namedForTable(operation, input);
  if (operation === 'SendMessage') {
    const isBurial = input.QueueUrl === URLS.deadLetters;
    return { service: 'sqs', operation: isBurial ? 'bury' : 'giveBack', subject: partIn(input.MessageBody) };
  }
  if (operation === 'PutObject') {
    const key = String(input.Key);
    return { service: 's3', operation: key.startsWith('parked/') ? 'park' : 'put', subject: key };
  }
  return {
    service,
    operation: OTHER_CALLS[operation] ?? operation,
    subject: subjectOf(input),
  };
}

function subjectOf({ Entries, ReceiptHandle, ShardId, Key, Prefix, Name }: Input): string {
  if (Entries !== undefined)
    return Entries.map(({ MessageBody, ReceiptHandle }) => ReceiptHandle ?? partIn(MessageBody)).join(' ');
  return String(ReceiptHandle ?? ShardId ?? Key ?? Prefix ?? Name ?? '');
}

function partIn(body = ''): string {
  const [, segment, part] = /"segment":"([^"]*)".*?"deltas":\[\[(\d+)/.exec(body) ?? [];
  return segment === undefined ? 'no rollup message' : `${segment}/${part}`;
}

function namedForTable(operation: string, input: Input): Named {
  const table = input.TableName ?? Object.keys(input.RequestItems ?? {})[0];
  const key = keyOf(input);
  const pk = key['pk']?.S ?? '';
  const sk = key['sk']?.S ?? '';
  const subject = `${pk} ${sk}`;
  if (table !== TABLES.ledger) {
    const call = `${operation} ${pk.split('#', 1)[0]}`;
    return { service: 'counters', operation: COUNTS_CALLS[call] ?? call, subject };
  }
  const kind = /^(SHARDS|DELETIONS|GENERATIONS)$/.exec(pk)?.[0] ?? /^[A-Z_]+/.exec(sk)?.[0] ?? '';
  const call = ledgerCall(operation, kind, input);
  const place =
    call === 'notePlace' ? ` ${/^(?:ADD|DELETE) (\w+)/.exec(input.UpdateExpression ?? '')?.[1]}` : '';
  return { service: 'ledger', operation: call, subject: `${subject}${place}` };
}

/** The key of a call; of a query or batch, the first one. */
function keyOf({ Key, Item, ExpressionAttributeValues: values, RequestItems }: Input): Item {
  if (typeof Key === 'object') return Key;
  if (Item !== undefined) return Item;
  const [request] = Object.values(RequestItems ?? {}) as { Keys?: Item[] }[];
  const { ':pk': pk, ':from': sk } = values ?? {};
  return request?.Keys?.[0] ?? { ...(pk && { pk }), ...(sk && { sk }) };
}

function ledgerCall(
  operation: string,
  kind: string,
  { Item: item, UpdateExpression, ExpressionAttributeValues: values = {} }: Input,
): string {
  if (operation === 'PutItem' && kind === 'HEAD') return HEAD_PUTS[item?.['status']?.S ?? ''] ?? 'putHead';
  if (operation === 'UpdateItem' && kind === 'STATE') return stateUpdate(UpdateExpression ?? '', values);
  if (operation === 'UpdateItem' && kind === 'SEG') return entryUpdate(UpdateExpression ?? '');
  return LEDGER_CALLS[`${operation} ${kind}`] ?? `${operation} ${kind}`;
}

function entryUpdate(update: string): string {
  if (update.startsWith('ADD acked')) return 'acknowledge';
  if (update.startsWith('SET lost')) return 'markLost';
  if (/^(ADD kept|(SET|REMOVE) (expiresAt|kept))/.test(update)) return 'keepEntry';
  return update.startsWith('SET x') ? 'noteExpired' : 'notePlace';
}

/** Putting a plan, ending an epoch, or announcing a length of hash ranges. */
function stateUpdate(update: string, { ':s0': head }: Item): string {
  if (update.includes('ADD rangeBits')) return 'registerRangeBits';
  return head?.M?.['plan'] === undefined ? 'markDone' : 'putEpoch';
}
