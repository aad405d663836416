// Throttling as API Gateway does it: a token bucket.

/** Says whether one more request may pass now. */
export interface TokenBucket {
  take(): boolean;
}

/**
 * A bucket that starts full.
 * @param ratePerSecond tokens that come back each second
 * @param burst tokens it holds at most
 * @param now milliseconds of a clock
 */
export function createTokenBucket(ratePerSecond: number, burst: number, now: () => number): TokenBucket {
  let tokens = burst;
  let last = now();
  return {
    take: () => {
      const time = now();
      tokens = Math.min(burst, tokens + ((time - last) / 1_000) * ratePerSecond);
      last = time;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
