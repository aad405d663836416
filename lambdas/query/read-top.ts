// The use case of top lists: answer which entities have most, and how complete the answer is.
import {
  type TopAnswer,
  type TopAnswerSettings,
  type TopQuery,
  topAnswer,
  topNameOf,
} from '../counting/top-query.ts';
import type { ClaimReader, Clock, TopReader } from '../ports.ts';

/** What the question of the top needs. */
export interface TopPorts {
  readonly tops: TopReader;
  readonly claims: ClaimReader;
  readonly clock: Clock;
}

/** Answers a question from one list. */
export async function readTop(
  query: TopQuery,
  { tops, claims: reader, clock }: TopPorts,
  settings: TopAnswerSettings,
): Promise<TopAnswer> {
  // The claims first: read after the list they would vouch for events that it did not have yet.
  const claims = await reader.readClaims();
  const nowMs = clock.nowMs();
  const name = topNameOf(query, claims, nowMs);
  return topAnswer(query, name, claims, await tops.readTop(name), nowMs, settings);
}
