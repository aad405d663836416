// Reads probes: every answer tells of all probes of an hour, bit by bit, which of them are counted.
import type { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { call } from './sending.ts';
import { HOUR_MS, PROBE, PROBES_AN_HOUR, probesIn } from './workload.ts';

/** Between two readings: what is measured is exact to that. */
export const PROBE_POLL_MS = 50;
const PATIENCE_MS = 90_000;

/** Reads counts until every probe that was taken is in them. */
export class ProbeReader {
  /** For each probe, from the answer of its request until its count was read; 0 where it was read before that. */
  readonly freshnessMs: number[] = [];
  readonly #agent: Agent;
  readonly #url: string;
  readonly #fromMs: number;
  /** When probes were taken that are not read yet. */
  readonly #waiting = new Map<number, number>();
  readonly #early = new Set<number>();
  #all = false;

  constructor(agent: Agent, url: string, fromMs: number) {
    this.#agent = agent;
    this.#url = url;
    this.#fromMs = fromMs;
  }

  /** The request of a probe was answered. */
  taken(probe: number, nowMs: number): void {
    if (this.#early.delete(probe)) this.freshnessMs.push(0);
    else this.#waiting.set(probe, nowMs);
  }

  /** There are no more. */
  allAreTaken(): void {
    this.#all = true;
  }

  /** Reads until all that were taken are read. @throws Error when they are not in time */
  async start(): Promise<void> {
    const seen = new Set<number>();
    let lastMs = performance.now();
    while (!this.#all || this.#waiting.size > 0) {
      const startMs = performance.now();
      const hours = new Set([...this.#waiting.keys()].map((probe) => Math.floor(probe / PROBES_AN_HOUR)));
      for (const hour of hours) {
        for (const probe of await this.#read(hour)) {
          if (seen.has(probe)) continue;
          seen.add(probe);
          lastMs = performance.now();
          const takenMs = this.#waiting.get(probe);
          if (takenMs === undefined) this.#early.add(probe);
          else this.freshnessMs.push(lastMs - takenMs);
          this.#waiting.delete(probe);
        }
      }
      if (hours.size > 0 && startMs - lastMs > PATIENCE_MS)
        throw new Error(`${this.#waiting.size} probes were not counted in time`);
      await delay(Math.max(0, PROBE_POLL_MS - (performance.now() - startMs)));
    }
  }

  async #read(hour: number): Promise<number[]> {
    const [from, to] = [hour, hour + 1].map((each) => new Date(this.#fromMs + each * HOUR_MS).toISOString());
    const path = `/v1/counts/${PROBE}/${PROBE}?by=minute&from=${from}&to=${to}`;
    const { status, text } = await call(this.#agent, this.#url, 'GET', path);
    if (status !== 200) throw new Error(`GET ${path} answered ${status}: ${text}`);
    const { points } = JSON.parse(text) as { points: { at: string; n: number }[] };
    return points.flatMap(({ at, n }) => [...probesIn((Date.parse(at) - this.#fromMs) / 60_000, n)]);
  }
}
