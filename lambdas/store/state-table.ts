// The state of compaction on DynamoDB: one item in the ledger, updated on condition of each level's revision.
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type NativeAttributeValue, unmarshall } from '@aws-sdk/util-dynamodb';
import { attributes, type Item, key, Table } from '../aws/table.ts';
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

const KEY = key('COMPACTION', 'STATE');
const DELETIONS_PK = 'DELETIONS';

export class CompactionStateTable implements CompactionStateStore, LateRegister, RangeRegister {
  readonly #table: Table;
  readonly #registered = new Set<number>();
  /** Entries never change: a warm container reads only new ones. */
  readonly #deletions: Deletion[] = [];

  constructor(client: DynamoDBClient, table: string) {
    this.#table = new Table(client, table);
  }

  async readState(): Promise<CompactionState> {
    const item = await this.#table.get(KEY);
    return item === undefined ? INITIAL_STATE : stateOf(item);
  }

  async putPlan(
    state: CompactionState,
    level: Level,
    plan: CompactionPlan,
    closesMs: number | undefined,
  ): Promise<'planned' | 'conflict'> {
    const head: LevelHead = { ...state[level], plan };
    const isHours = level === 'hours';
    const sets = {
      ...{ [level]: head, ...revision(level, head) },
      ...(closesMs !== undefined && closesMs > 0 && { [closingName(level)]: closesMs }),
    };
    // An upper level planned since this state was read closes more time: the hours must set rows aside for it.
    const closing = isHours ? UPPER_LEVELS.map((each) => [closingName(each), state.closing[each]]) : [];
    const isPlanned = await this.#set(sets, {
      ...revision(level, state[level]),
      ...(!isHours && revision('hours', state.hours)),
      deletions: state.deletions,
      ...Object.fromEntries(closing),
    });
    return isPlanned ? 'planned' : 'conflict';
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
    const sets = { [level]: head, ...revision(level, head), ...(late !== undefined && { late }) };
    // A failed condition means that it was done already.
    await this.#set(sets, revision(level, state[level]));
  }

  async noteLate(state: CompactionState, level: UpperLevel): Promise<'noted' | 'conflict'> {
    const { hours, late } = await this.readState();
    // An epoch of the hours that is under way would put back what it knows.
    if (hours.plan !== undefined || hours.epoch !== state.hours.epoch) return 'conflict';
    if (late[level].epoch >= hours.epoch) return 'noted';
    const noted = { ...late, [level]: { ...late[level], epoch: hours.epoch } };
    return (await this.#set({ late: noted }, revision('hours', hours))) ? 'noted' : 'conflict';
  }

  async registerRangeBits(bits: number, nowMs: number): Promise<void> {
    if (this.#registered.has(bits)) return;
    await this.#table.update({
      key: KEY,
      update: 'SET sinceMs = if_not_exists(sinceMs, :now) ADD rangeBits :bits',
      values: { ':now': nowMs, ':bits': new Set([0, bits]) },
    });
    this.#registered.add(bits);
  }

  async readDeletions(count: number): Promise<readonly Deletion[]> {
    const known = this.#deletions.length;
    if (count <= known) return this.#deletions.slice(0, count);
    const deletions: Deletion[] = [];
    const pages = this.#table.pages(DELETIONS_PK, [entryName(known + 1), entryName(count)]);
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
      const isOurs = await this.#table.putIf(
        'attribute_not_exists(pk) OR (entityHash = :entityHash AND throughMs = :throughMs)',
        { ...key(DELETIONS_PK, entryName(number)), ...attributes({ entityHash, throughMs }) },
        { ':entityHash': entityHash, ':throughMs': throughMs },
      );
      // A caller may have died between the entry and this step, so any caller may include the entry.
      await this.#set({ deletions: number }, { deletions }, number);
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
    await this.#table.update({
      key: KEY,
      update: 'DELETE deleting :done',
      values: { ':done': new Set(done) },
    });
  }

  /**
   * Sets attributes if each number is as given; 0: it is not there yet.
   * @param deleting the number of a deletion that begins with this update
   * @returns whether the attributes were set
   */
  async #set(
    sets: Readonly<Record<string, NativeAttributeValue>>,
    expected: Readonly<Record<string, number>>,
    deleting?: number,
  ): Promise<boolean> {
    const names: Record<string, string> = {};
    const values: Record<string, NativeAttributeValue> = {};
    const assignments = Object.entries(sets).map(([name, value], index) => {
      names[`#s${index}`] = name;
      values[`:s${index}`] = value;
      return `#s${index} = :s${index}`;
    });
    const conditions = Object.entries(expected).map(([name, number], index) => {
      names[`#c${index}`] = name;
      if (number === 0) return `attribute_not_exists(#c${index})`;
      values[`:c${index}`] = number;
      return `#c${index} = :c${index}`;
    });
    if (deleting !== undefined) values[':deleting'] = new Set([deleting]);
    const also = deleting === undefined ? '' : ' ADD deleting :deleting';
    return this.#table.updateIf({
      key: KEY,
      update: `SET ${assignments.join(', ')}${also}`,
      condition: conditions.join(' AND '),
      names,
      values,
    });
  }
}

/** A level's revision increments when an epoch is planned and when it is done: a condition needs only this number. */
function revision(level: Level, { epoch, plan }: LevelHead): Record<string, number> {
  return { [`${level}Revision`]: 2 * epoch + (plan === undefined ? 0 : 1) };
}

function closingName(level: Level): string {
  return `closing_${level}`;
}

function entryName(number: number): string {
  return String(number).padStart(9, '0');
}

function stateOf(item: Item): CompactionState {
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
