// The use case of top lists: answer which entities have most, and how complete the answer is.
import type { Freshness } from '../counting/count-freshness.ts';
import {
  type TopAnswer,
  type TopAnswerSettings,
  type TopQuery,
  topAnswer,
  topFreshness,
  topNameOf,
} from '../counting/top-query.ts';
import type { ClaimReader, Clock, TopReader } from '../ports.ts';

/** What the question of the top needs. */
export interface TopPorts {
  readonly tops: TopReader;
  readonly claims: ClaimReader;
  readonly clock: Clock;
}

/** An answer, and for how long it may be used again. */
export interface ReadTop {
  readonly answer: TopAnswer;
  readonly freshness: Freshness;
}

/** Answers a question from one list. */
export async function readTop(
  query: TopQuery,
  { tops, claims: reader, clock }: TopPorts,
  settings: TopAnswerSettings,
): Promise<ReadTop> {
  // The claims first: read after the list they would vouch for events that it did not have yet.
  const claims = await reader.readClaims();
  const nowMs = clock.nowMs();
  const name = topNameOf(query, claims, nowMs);
  const stored = await tops.readTop(name);
  const answer = topAnswer(query, name, claims, stored, nowMs, settings);
  return { answer, freshness: topFreshness(query, name, answer, stored, nowMs, settings) };
}
