// The use case of top lists: answer which entities have most, and how complete the answer is.
import pLimit from 'p-limit';
import { type Freshness, OPEN_FRESHNESS } from '../counting/count-freshness.ts';
import { asksOpenHour, openHourAnswer } from '../counting/open-hour.ts';
import { HOUR_MS } from '../counting/time.ts';
import type { Ranked } from '../counting/top-list.ts';
import type { TopName } from '../counting/top-name.ts';
import {
  type TopAnswer,
  type TopAnswerSettings,
  type TopQuery,
  topAnswer,
  topFreshness,
  topNameOf,
} from '../counting/top-query.ts';
import type { ClaimReader, OpenHours, TopReader } from '../level-ports.ts';
import type { Clock, CounterReader } from '../ports.ts';

/** What the question of the top needs. */
export interface TopPorts {
  readonly tops: TopReader;
  /** Undefined where the stage has no index of open hours. */
  readonly openHours: OpenHours | undefined;
  readonly counters: CounterReader;
  readonly claims: ClaimReader;
  readonly clock: Clock;
}

/** An answer, and for how long it may be used again. */
export interface ReadTop {
  readonly answer: TopAnswer;
  readonly freshness: Freshness;
}

/** Counters read at once. */
const READS_MAX = 16;

/** Answers a question from one list; of an open hour, from the index where there is one. */
export async function readTop(
  query: TopQuery,
  ports: TopPorts,
  settings: TopAnswerSettings,
): Promise<ReadTop> {
  // The claims first: read after the list they would vouch for events that it did not have yet.
  const claims = await ports.claims.readClaims();
  const nowMs = ports.clock.nowMs();
  const name = topNameOf(query, claims, nowMs);
  if (ports.openHours !== undefined && asksOpenHour(name, claims, nowMs)) {
    const entities = await ports.openHours.leaders(name.metric, name.startMs, query.k);
    const counts = await countsOf(name, entities, ports.counters);
    return { answer: openHourAnswer(query, name, claims, counts), freshness: OPEN_FRESHNESS };
  }
  const stored = await ports.tops.readTop(name);
  const answer = topAnswer(query, name, claims, stored, nowMs, settings);
  return { answer, freshness: topFreshness(query, name, answer, stored, nowMs, settings) };
}

/** What entities have in an hour as their counter items say: read after the claims, so that these hold for it. */
async function countsOf(
  { metric, startMs }: TopName,
  entities: readonly string[],
  counters: CounterReader,
): Promise<readonly Ranked[]> {
  const limit = pLimit(READS_MAX);
  return Promise.all(
    entities.map((entity) =>
      limit(async () => {
        let n = 0n;
        for await (const { minutes } of counters.items(metric, entity, startMs, startMs + HOUR_MS)) {
          for (const sum of minutes.values()) n += sum;
        }
        return { entity, n };
      }),
    ),
  );
}
