// Rewrites what contains an entity: blocks with their top lists, late rows, deltas. Rows that arrived after the deletion stay.
import type { CompactionState } from '../core/compaction.ts';
import { Deletions } from '../core/deletions.ts';
import type { HashRange } from '../core/hash-range.ts';
import { cellOf, expiresAtOf, type Level, type Period, periodStartMs, UPPER_LEVELS } from '../core/level.ts';
import { compareRows, decodeRows, encodeRows, type Row } from '../core/rows.ts';
import { HOUR_MS } from '../core/time.ts';
import { makeTops } from '../store/make-tops.ts';
import type { LateItem, StoredDelta } from '../store/ports.ts';
import { type DeletionTarget, type FoundRow, isIn, rowsOf, rowsOfDeltas } from './find-entity.ts';
import type { DeletionPorts, DeletionReport, DeletionSettings } from './ports.ts';

/** Pause before a block that compaction has just changed is read again. */
const RETRY_MS = 1_000;

export class RowForgetting {
  readonly #what: DeletionTarget;
  readonly #throughMs: number;
  readonly #ports: DeletionPorts;
  readonly #settings: DeletionSettings;
  readonly #report: DeletionReport;

  /** @param throughMs removes rows of segments whose running maximum of arrivals is at most this */
  constructor(
    what: DeletionTarget,
    throughMs: number,
    ports: DeletionPorts,
    settings: DeletionSettings,
    report: DeletionReport,
  ) {
    this.#what = what;
    this.#throughMs = throughMs;
    this.#ports = ports;
    this.#settings = settings;
    this.#report = report;
  }

  /** Rewrites a level's blocks, then the top lists of their periods. Repeatable. */
  async level(level: Level, periods: readonly Period[]): Promise<void> {
    const changed = new Map<number, Set<string>>();
    const note = ({ startMs }: Period, metric: string) => {
      changed.set(startMs, (changed.get(startMs) ?? new Set()).add(metric));
    };
    for (let open = periods; open.length > 0; ) {
      const state = await this.#ports.state.readState();
      const later = await this.#laterRows(level, state);
      const again = new Set<Period>();
      for await (const found of rowsOf(this.#what, open, this.#ports.store)) {
        const outcome = await this.#rewriteBlock(found, later, state);
        if (outcome === 'again') again.add(found.period);
        if (outcome !== 'rewritten') continue;
        this.#report.rows[level] += 1;
        note(found.period, found.row.metric);
      }
      open = [...again];
      if (open.length > 0) await this.#ports.pause(RETRY_MS);
    }
    for (const period of periods) {
      // An earlier run that crashed may have left lists that name the entity.
      for (const metric of this.#what.metrics) if (await this.#isNamed(metric, period)) note(period, metric);
      const metrics = changed.get(period.startMs);
      if (metrics !== undefined) await this.#makeTops(period, metrics);
    }
  }

  /** A level's rows of segments after the deletion, by period and metric: these must stay. */
  async #laterRows(level: Level, state: CompactionState): Promise<ReadonlyMap<string, Row>> {
    const deletions = new Deletions(await this.#ports.state.readDeletions(state.deletions));
    const later = new Map<string, Row>();
    for await (const { delta, row } of rowsOfDeltas(this.#what, this.#throughMs + 1, this.#ports)) {
      if (!isIn(state, level, delta) || deletions.cover(row.entity, delta.runMaxMs)) continue;
      const hourMs = row.hour * HOUR_MS;
      const name = laterName(periodStartMs(level, hourMs), row.metric);
      const before = later.get(name);
      const cells = new Map(before?.cells);
      for (const [minute, n] of row.cells) {
        const cell = level === 'hours' ? minute : cellOf(level, hourMs);
        cells.set(cell, (cells.get(cell) ?? 0n) + n);
      }
      later.set(name, { ...row, hour: 0, events: (before?.events ?? 0) + row.events, cells });
    }
    return later;
  }

  async #rewriteBlock(
    { period, leaf, row }: FoundRow,
    later: ReadonlyMap<string, Row>,
    state: CompactionState,
  ): Promise<'rewritten' | 'right' | 'again'> {
    const { block, range } = leaf;
    if (block === undefined || block.content === 'split') return 'right';
    // The block includes more segments than `later`.
    if (block.epoch > state[period.level].epoch) return 'again';
    const right = later.get(laterName(period.startMs, row.metric));
    if (right !== undefined && isSame(right, row)) return 'right';
    const others = decodeRows(block.content).filter((one) => !isOf(one, row));
    const rows = right === undefined ? others : [...others, right].sort(compareRows);
    const { epoch, edit } = block;
    const put = await this.#ports.store.putBlock(
      period,
      range,
      { epoch, edit: edit + 1, content: encodeRows(rows) },
      { is: 'as-read', epoch, edit },
      expiresAtOf(period, this.#settings.retentions),
    );
    return put === 'put' ? 'rewritten' : 'again';
  }

  async #isNamed(metric: string, period: Period): Promise<boolean> {
    const top = await this.#ports.store.readTop(metric, period);
    return top?.entries.some(({ entity }) => entity === this.#what.entity) ?? false;
  }

  async #makeTops(period: Period, metrics: ReadonlySet<string>): Promise<void> {
    const { state, store } = this.#ports;
    for (;;) {
      const before = (await state.readState())[period.level];
      await makeTops({ period, metrics }, before.epoch, store, this.#settings.retentions);
      // An epoch that ran meanwhile may have stored lists from the old blocks.
      const after = (await state.readState())[period.level];
      if (before.plan === undefined && after.plan === undefined && after.epoch === before.epoch) break;
      await this.#ports.pause(RETRY_MS);
    }
    this.#report.tops += metrics.size;
  }

  /** Rewrites late rows. @param lastEpoch later epochs of the hours already exclude the entity */
  async late(lastEpoch: number): Promise<void> {
    for (const level of UPPER_LEVELS) {
      for (const range of this.#what.ranges) {
        await this.#until(() => this.#lateOf(level, range, lastEpoch));
      }
    }
  }

  /** @returns whether everything was unchanged since the read */
  async #lateOf(level: (typeof UPPER_LEVELS)[number], range: HashRange, lastEpoch: number): Promise<boolean> {
    let isDone = true;
    for await (const item of this.#ports.rewriter.lateItems(level, range)) {
      const rows = item.epoch > lastEpoch ? undefined : this.#without(item);
      if (rows === undefined) continue;
      const replaced = await this.#ports.rewriter.replaceLate(level, range, item, rows);
      if (replaced === 'replaced') this.#report.late += 1;
      else isDone = false;
    }
    return isDone;
  }

  /** Rewrites deltas; their event counts stay, since the ledger has them. */
  async deltas(): Promise<void> {
    for (const range of this.#what.ranges) await this.#until(() => this.#deltasOf(range));
  }

  async #deltasOf(range: HashRange): Promise<boolean> {
    let isDone = true;
    for await (const delta of this.#ports.store.deltasIn(range, 0, this.#throughMs)) {
      const rows = this.#without(delta);
      if (rows === undefined || delta.rows === undefined) continue;
      const replaced = await this.#ports.rewriter.replaceDelta(delta, delta.rows, rows);
      if (replaced === 'replaced') this.#report.deltas += 1;
      else isDone = false;
    }
    return isDone;
  }

  /** Encoded rows without the entity; undefined if it is not in them. */
  #without({ rows: encoded }: StoredDelta | LateItem): Uint8Array | undefined {
    if (encoded === undefined) return undefined;
    const rows = decodeRows(encoded);
    const others = rows.filter(({ entity }) => entity !== this.#what.entity);
    return others.length === rows.length ? undefined : encodeRows(others);
  }

  async #until(isDone: () => Promise<boolean>): Promise<void> {
    while (!(await isDone())) await this.#ports.pause(RETRY_MS);
  }
}

function laterName(startMs: number, metric: string): string {
  return `${startMs} ${metric}`;
}

function isOf(one: Row, { metric, entity }: Row): boolean {
  return one.metric === metric && one.entity === entity;
}

function isSame(a: Row, b: Row): boolean {
  return (
    a.events === b.events &&
    a.cells.size === b.cells.size &&
    [...a.cells].every(([cell, n]) => b.cells.get(cell) === n)
  );
}
