// The oracle: it watches the services, knows what was sent, and reports broken promises.
import type { Item } from '../../fake-aws/dynamodb/values.ts';
import type { StoredRecord } from '../../fake-aws/stream.ts';
import type { SegmentEntry } from '../../lambdas/core/segment-entry.ts';
import type { CountAnswer } from '../../lambdas/query/count-answer.ts';
import type { Findings } from '../../lambdas/recount/ports.ts';
import type { Occurrence } from '../simulation/plan/workload.ts';
import { valueIn } from '../simulation/value-in.ts';
import type { World } from '../simulation/world/world.ts';
import { boundsWithin, checkAnswer, type Known } from './answers.ts';
import { Ceiling } from './ceiling.ts';
import { FinalAnswers } from './final-answers.ts';
import { ArchivedObjects } from './raw.ts';
import { Rollups } from './rollups.ts';
import { type Arrived, counterName, Expectation } from './truth.ts';
import { Violation } from './violation.ts';
import { WatermarkCheck } from './watermark.ts';

/**
 * Watches a world, which tells it what happened inside the services. It keeps the first broken promise, since later ones may
 * be its consequences. Names are plain text: the oracle parses them itself.
 */
export class Oracle {
  violation: Violation | undefined;
  readonly arrived: Arrived[] = [];
  readonly rollups = new Rollups();
  readonly finals = new FinalAnswers();
  /** The last deletion by entity: the arrivals it covers, and whether the command has ended. */
  readonly deletions = new Map<string, { readonly throughMs: number; readonly isDone: boolean }>();
  /** Messages that a queue dropped as too old: they are lost. */
  readonly dropped: string[] = [];
  /** Recounts that finished. */
  recounts = 0;
  readonly #objects = new ArchivedObjects();
  readonly #archiveRaw: boolean;
  readonly #ceiling: Ceiling;
  readonly #watermark = new WatermarkCheck(this.rollups);
  /** Occurrences by counter, for answers. */
  readonly #known = new Map<string, Known[]>();
  readonly #expected: Expectation;
  /** Whether nothing has been lost or given up so far. */
  #isWhole: boolean;
  /** The world that it watches. */
  world: World | undefined;
  #coming: readonly Occurrence[] = [];

  /**
   * @param windowMs the least dedup window in force
   * @param lossy whether the stream may trim records before they are read
   * @param archiveRaw whether every segment's raw records must be archived
   */
  constructor(windowMs: number, lossy = false, archiveRaw = false) {
    this.#archiveRaw = archiveRaw;
    this.#isWhole = !lossy;
    // A trimmed record drops no duplicates: any occurrence may be the one that counts.
    const dropsMs = lossy ? Number.NEGATIVE_INFINITY : windowMs;
    this.#expected = new Expectation(dropsMs);
    this.#ceiling = new Ceiling(dropsMs);
  }

  /** Announces the content of the next record put. */
  expectRecord(occurrences: readonly Occurrence[]): void {
    this.#coming = occurrences;
  }

  recordPut(shard: string, { sequenceNumber, arrivalMs }: StoredRecord): void {
    const parents = this.world?.stream.all().find(({ id }) => id === shard)?.parents ?? [];
    let reachedMs = arrivalMs;
    this.check(() => {
      reachedMs = this.#watermark.arrived(shard, parents, sequenceNumber, arrivalMs);
    });
    for (const occurrence of this.#coming) {
      const arrived = { occurrence, arrivalMs, reachedMs, shard, sequenceNumber };
      this.arrived.push(arrived);
      this.#ceiling.arrived(arrived);
      const name = counterName(occurrence.metric, occurrence.entity);
      const known = valueIn(this.#known, name, (): Known[] => []);
      known.push({ ...arrived, kind: this.#expected.add(arrived) });
    }
    this.#coming = [];
  }

  /** The names of all counters that events arrived for. */
  get counters(): readonly string[] {
    return [...this.#known.keys()].filter((name) => name !== '\n');
  }

  /** Checks an answer about a counter that the query has just given. */
  answered(answer: CountAnswer): void {
    const known = this.#known.get(counterName(answer.metric, answer.entity)) ?? [];
    const deletedMs = this.deletions.get(answer.entity)?.throughMs;
    // Lost or discarded events may be missing even from a complete answer.
    const throughMs = this.#isWhole ? vouchedThroughMs(answer) : 0;
    const bounds = boundsWithin(known, throughMs, deletedMs);
    this.check(() => checkAnswer(answer, bounds, ['answers are right', 'nothing counts twice']));
    if (deletedMs === undefined) this.check(() => this.finals.answered(answer));
  }

  /** Entities whose deletion has begun and not ended. */
  deletionsUnderWay(): ReadonlySet<string> {
    return new Set([...this.deletions].filter(([, { isDone }]) => !isDone).map(([entity]) => entity));
  }

  /** A recount during the run: the store is right, so it finds nothing except unfinished deletions. */
  recounted({ differences, twice }: Findings, underWay: ReadonlySet<string>): void {
    this.recounts += 1;
    const wrong = differences.filter(({ entity, in: where }) => {
      const deletion = this.deletions.get(entity);
      if (deletion === undefined) return !underWay.has(entity);
      return deletion.isDone && !underWay.has(entity) && where !== 'delta';
    });
    this.check(() => {
      if (wrong.length + twice.length > 0)
        throw new Violation(
          'a recount finds what is wrong, and nothing else',
          `nothing is wrong, and a recount says ${JSON.stringify(wrong[0] ?? twice[0])}`,
        );
    });
  }

  /** An operator begins to delete what has arrived of an entity. */
  deletionBegins(entity: string, nowMs: number): void {
    this.deletions.set(entity, { throughMs: nowMs, isDone: false });
  }

  /** The deletion has finished. */
  deletionEnds(entity: string): void {
    const { throughMs = 0 } = this.deletions.get(entity) ?? {};
    this.deletions.set(entity, { throughMs, isDone: true });
  }

  /** `completeThrough` was published. */
  watermarkRaised(throughMs: number): void {
    const { world } = this;
    if (world !== undefined) this.check(() => this.#watermark.raised(throughMs, world));
  }

  /** A rollup message reached the queue from the aggregator. */
  rollupSent(body: string): void {
    this.check(() => this.rollups.sent(body));
  }

  /** An item of the table of counts was written. */
  countsWritten(before: Item | undefined, item: Item): void {
    if (!item['pk']?.S?.startsWith('DELTA#')) return;
    // What an operator discarded is in no answer, and reported as lost.
    if (item['rows'] === undefined) this.#isWhole = false;
    const isDeleted = (entity: string) => this.deletions.has(entity);
    this.check(() => this.#ceiling.stored(this.rollups.stored(before, item, isDeleted)));
  }

  partsAcknowledged(segment: string, parts: readonly number[]): void {
    this.check(() => this.rollups.acknowledged(segment, parts));
  }

  archived(key: string, body: string): void {
    this.check(() => this.#objects.archived(key, body));
  }

  /** A segment's entry became visible. */
  entryPut(shard: string, entry: SegmentEntry): void {
    const { world } = this;
    if (world !== undefined && this.#archiveRaw)
      this.check(() => this.#objects.entryPut(shard, entry, world));
  }

  /** A queue dropped a message as too old. */
  messageDropped(queue: string, body: string): void {
    this.dropped.push(`${queue}: ${body}`);
  }

  /** Runs a checker and keeps what it finds, so that a broken promise never looks like a fault to the pipeline. */
  check(checker: () => void): void {
    try {
      checker();
    } catch (violation) {
      this.violation ??= violation as Violation;
    }
  }
}

/** The arrival time before which an answer vouches for everything: any, if all of it is final. */
function vouchedThroughMs({ completeThrough, to, points }: CountAnswer): number {
  const throughMs = completeThrough === null ? 0 : Date.parse(completeThrough);
  const isFinal = throughMs === Date.parse(to) && points.length > 0;
  return isFinal && points.every(({ state }) => state === 'final') ? Number.POSITIVE_INFINITY : throughMs;
}
