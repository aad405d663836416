// Figures for tables: quantiles, medians with their spread, processor time, the machine, rows.
import { availableParallelism, loadavg } from 'node:os';

/** The value below which a share of the figures lies; NaN if there are none. */
export function quantile(figures: readonly number[], share: number): number {
  const sorted = figures.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(figures: readonly number[]): number {
  return quantile(figures, 0.5);
}

/** The median and the range. */
export function spread(figures: readonly number[], digits = 0): string {
  const text = (n: number) => n.toFixed(digits);
  const [least = Number.NaN, most = Number.NaN] = [Math.min(...figures), Math.max(...figures)];
  return `${text(median(figures))} (${text(least)}–${text(most)})`;
}

/** This process's processor time so far, user and kernel, milliseconds: other programs of the machine do not count. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** What the figures depend on: versions, the machine and its present load, and the date. */
export function machine(): string {
  const load = loadavg()[0]?.toFixed(1);
  const date = new Date().toISOString().slice(0, 10);
  return `Node ${process.version}, ${availableParallelism()} cores with a load of ${load} before this, ${date}.`;
}

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
