// Rows under construction during a merge: parallel arrays of cells and sums, numbers as long as they are exact.
import { hashOf } from '../core/hash-range.ts';
import type { NamedRow } from '../core/rows.ts';

export class GrowingRow implements NamedRow {
  readonly name: string;
  readonly hour: number;
  events = 0;
  readonly cells: number[] = [];
  readonly sums: (number | bigint)[] = [];
  #hash = -1;

  /** @param hour hours since 1970; 0 in blocks */
  constructor(name: string, hour = 0) {
    this.name = name;
    this.hour = hour;
  }

  get length(): number {
    return this.cells.length;
  }

  /** Computed once, and only for rows that are merged or whose block is split. */
  get hash(): number {
    if (this.#hash < 0) this.#hash = hashOf(this.name);
    return this.#hash;
  }

  /** Adds to a cell, usually the last one or a new last one. */
  add(cell: number, sum: number | bigint): void {
    const { cells, sums } = this;
    let at = cells.length - 1;
    while (at >= 0 && (cells[at] as number) > cell) at -= 1;
    if (at >= 0 && cells[at] === cell) sums[at] = sumOf(sums[at] as number | bigint, sum);
    else if (at === cells.length - 1) {
      cells.push(cell);
      sums.push(sum);
    } else {
      cells.splice(at + 1, 0, cell);
      sums.splice(at + 1, 0, sum);
    }
  }

  addAll({ events, length, cells, sums }: NamedRow): void {
    this.events += events;
    for (let index = 0; index < length; index += 1)
      this.add(cells[index] as number, sums[index] as number | bigint);
  }
}

function sumOf(a: number | bigint, b: number | bigint): number | bigint {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return BigInt(a) + BigInt(b);
}
