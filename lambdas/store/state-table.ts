// The state of compaction on DynamoDB: one item in the ledger, updated on condition of each level's revision.
import {
  type AttributeValue,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { succeeds } from '../aws/conditional-write.ts';
import {
  type CompactionPlan,
  type CompactionState,
  INITIAL_STATE,
  type LateRows,
  type LevelHead,
} from '../core/compaction.ts';
import type { Deletion } from '../core/deletions.ts';
import { LEVELS, type Level, UPPER_LEVELS, type UpperLevel } from '../core/level.ts';
import type { CompactionStateStore, LateRegister, RangeRegister } from './ports.ts';

const KEY = { pk: { S: 'COMPACTION' }, sk: { S: 'STATE' } };
const DELETIONS_PK = 'DELETIONS';
const OPTIONS = { removeUndefinedValues: true };

export class CompactionStateTable implements CompactionStateStore, LateRegister, RangeRegister {
  readonly #client: DynamoDBClient;
  readonly #table: string;
  readonly #registered = new Set<number>();
  /** Entries never change: a warm container reads only new ones. */
  readonly #deletions: Deletion[] = [];

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async readState(): Promise<CompactionState> {
    const get = new GetItemCommand({ TableName: this.#table, Key: KEY, ConsistentRead: true });
    const { Item } = await this.#client.send(get);
    return Item === undefined ? INITIAL_STATE : stateOf(Item);
  }

  async putPlan(
    state: CompactionState,
    level: Level,
    plan: CompactionPlan,
    closesMs: number | undefined,
  ): Promise<'planned' | 'conflict'> {
    const head: LevelHead = { ...state[level], plan };
    const sets: Record<string, unknown> = { [level]: head, [revisionName(level)]: revisionOf(head) };
    if (closesMs !== undefined && closesMs > 0) sets[closingName(level)] = closesMs;
    const unchanged = level === 'hours' ? [level] : [level, 'hours' as const];
    // An upper level planned since this state was read closes more time: the hours must set rows aside for it.
    const closing =
      level === 'hours' ? UPPER_LEVELS.map((each) => [closingName(each), state.closing[each]]) : [];
    const done = await this.#set(
      sets,
      unchanged.map((each) => [each, revisionOf(state[each])] as const),
      { deletions: state.deletions, ...Object.fromEntries(closing) },
    );
    return done ? 'planned' : 'conflict';
  }

  async markDone(
    state: CompactionState,
    level: Level,
    writeUnits: number,
    late: Readonly<Record<UpperLevel, LateRows>> | undefined,
  ): Promise<void> {
    const { epoch, plan } = state[level];
    if (plan === undefined) throw new RangeError(`the ${level} have no plan that could be done`);
    const head: LevelHead = {
      epoch: epoch + 1,
      covers: plan.covers,
      hourEpoch: plan.hourEpoch,
      events: plan.events,
      closedBeforeMs: level === 'hours' ? 0 : plan.closedBeforeMs[level],
      plannedAtMs: plan.plannedAtMs,
      writeUnits,
      plan: undefined,
    };
    const sets: Record<string, unknown> = { [level]: head, [revisionName(level)]: revisionOf(head) };
    if (late !== undefined) sets['late'] = late;
    // A failed condition means that it was done already.
    await this.#set(sets, [[level, revisionOf(state[level])]], {});
  }

  async noteLate(state: CompactionState, level: UpperLevel): Promise<'noted' | 'conflict'> {
    const { hours, late } = await this.readState();
    // An epoch of the hours that is under way would put back what it knows.
    if (hours.plan !== undefined || hours.epoch !== state.hours.epoch) return 'conflict';
    if (late[level].epoch >= hours.epoch) return 'noted';
    const noted = { ...late, [level]: { ...late[level], epoch: hours.epoch } };
    return (await this.#set({ late: noted }, [['hours', revisionOf(hours)]], {})) ? 'noted' : 'conflict';
  }

  async registerRangeBits(bits: number, nowMs: number): Promise<void> {
    if (this.#registered.has(bits)) return;
    const update = new UpdateItemCommand({
      TableName: this.#table,
      Key: KEY,
      UpdateExpression: 'SET sinceMs = if_not_exists(sinceMs, :now) ADD rangeBits :bits',
      ExpressionAttributeValues: {
        ':now': { N: String(nowMs) },
        ':bits': { NS: [...new Set(['0', String(bits)])] },
      },
    });
    await this.#client.send(update);
    this.#registered.add(bits);
  }

  async readDeletions(count: number): Promise<readonly Deletion[]> {
    const known = this.#deletions.length;
    if (count <= known) return this.#deletions.slice(0, count);
    const deletions: Deletion[] = [];
    const pages = paginateQuery(
      { client: this.#client },
      {
        TableName: this.#table,
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
        ExpressionAttributeValues: {
          ':pk': { S: DELETIONS_PK },
          ':from': { S: entryName(known + 1) },
          ':to': { S: entryName(count) },
        },
        ConsistentRead: true,
      },
    );
    for await (const { Items = [] } of pages) {
      for (const { entityHash, throughMs } of Items) {
        deletions.push({ entityHash: entityHash?.S ?? '', throughMs: Number(throughMs?.N ?? 0) });
      }
    }
    if (known + deletions.length !== count)
      throw new Error(`${count} deletions are registered, but ${known + deletions.length} were read`);
    // Another call may have read the same entries meanwhile.
    this.#deletions.splice(known, Number.POSITIVE_INFINITY, ...deletions);
    return this.#deletions.slice(0, count);
  }

  /**
   * Registers a deletion: epochs planned from now on drop its rows, and queries leave them out.
   * @returns the number of the entry
   */
  async registerDeletion({ entityHash, throughMs }: Deletion): Promise<number> {
    for (;;) {
      const { deletions } = await this.readState();
      const number = deletions + 1;
      const entry = { entityHash: { S: entityHash }, throughMs: { N: String(throughMs) } };
      const put = new PutItemCommand({
        TableName: this.#table,
        Item: { pk: { S: DELETIONS_PK }, sk: { S: entryName(number) }, ...entry },
        ConditionExpression:
          'attribute_not_exists(pk) OR (entityHash = :entityHash AND throughMs = :throughMs)',
        ExpressionAttributeValues: { ':entityHash': entry.entityHash, ':throughMs': entry.throughMs },
      });
      const isOurs = await succeeds(this.#client, put);
      // A caller may have died between the entry and this step, so any caller may include the entry.
      await this.#set({ deletions: number }, [], { deletions }, number);
      if (isOurs) return number;
    }
  }

  /** Records that blocks are rewritten. @param number of a finished deletion, which covers all earlier ones of its entity */
  async finishDeletion(number: number): Promise<void> {
    const { deleting } = await this.readState();
    const entries = await this.readDeletions(number);
    const isDone = (each: number) =>
      each <= number && entries[each - 1]?.entityHash === entries[number - 1]?.entityHash;
    const done = deleting.filter(isDone);
    if (done.length === 0) return;
    await this.#client.send(
      new UpdateItemCommand({
        TableName: this.#table,
        Key: KEY,
        UpdateExpression: 'DELETE deleting :done',
        ExpressionAttributeValues: { ':done': { NS: done.map(String) } },
      }),
    );
  }

  /**
   * Sets attributes if each level's revision, and each number, is as given.
   * @param deleting the number of a deletion that begins with this update
   * @returns whether the attributes were set
   */
  async #set(
    sets: Readonly<Record<string, unknown>>,
    revisions: readonly (readonly [Level, number])[],
    numbers: Readonly<Record<string, number>>,
    deleting?: number,
  ): Promise<boolean> {
    const names: Record<string, string> = {};
    const values: Record<string, AttributeValue> = {};
    const assignments = Object.entries(sets).map(([name, value], index) => {
      names[`#s${index}`] = name;
      values[`:s${index}`] = marshall({ value }, OPTIONS)['value'] as AttributeValue;
      return `#s${index} = :s${index}`;
    });
    const expected: [string, number][] = [
      ...revisions.map(([level, revision]) => [revisionName(level), revision] as [string, number]),
      ...Object.entries(numbers),
    ];
    const conditions = expected.map(([name, number], index) => {
      names[`#c${index}`] = name;
      if (number === 0) return `attribute_not_exists(#c${index})`;
      values[`:c${index}`] = { N: String(number) };
      return `#c${index} = :c${index}`;
    });
    if (deleting !== undefined) values[':deleting'] = { NS: [String(deleting)] };
    const also = deleting === undefined ? '' : ' ADD deleting :deleting';
    return succeeds(
      this.#client,
      new UpdateItemCommand({
        TableName: this.#table,
        Key: KEY,
        UpdateExpression: `SET ${assignments.join(', ')}${also}`,
        ConditionExpression: conditions.join(' AND '),
        ExpressionAttributeNames: names,
        ExpressionAttributeValues: values,
      }),
    );
  }
}

/** Increments when an epoch is planned and when it is done: the condition needs only one number. */
function revisionOf({ epoch, plan }: LevelHead): number {
  return 2 * epoch + (plan === undefined ? 0 : 1);
}

function revisionName(level: Level): string {
  return `${level}Revision`;
}

function closingName(level: Level): string {
  return `closing_${level}`;
}

function entryName(number: number): string {
  return String(number).padStart(9, '0');
}

function stateOf(item: Record<string, AttributeValue>): CompactionState {
  const fields = unmarshall(item);
  const heads = LEVELS.map((level) => {
    const head = fields[level] as LevelHead | undefined;
    return [level, head === undefined ? INITIAL_STATE[level] : { ...head, plan: head.plan }];
  });
  const closing = UPPER_LEVELS.map((level) => [level, fields[closingName(level)] ?? 0]);
  return {
    ...(Object.fromEntries(heads) as Record<Level, LevelHead>),
    closing: Object.fromEntries(closing) as Record<UpperLevel, number>,
    late: fields['late'] ?? INITIAL_STATE.late,
    deletions: fields['deletions'] ?? 0,
    deleting: numbersIn(fields['deleting'], INITIAL_STATE.deleting),
    rangeBits: numbersIn(fields['rangeBits'], INITIAL_STATE.rangeBits),
    sinceMs: fields['sinceMs'] ?? INITIAL_STATE.sinceMs,
  };
}

function numbersIn(set: Set<number> | undefined, otherwise: readonly number[]): readonly number[] {
  return set === undefined ? otherwise : [...set].sort((a, b) => a - b);
}
