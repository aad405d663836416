// What takes long is left to `.ci/run`, which sets TALLY_LONG=1: all worlds, more seeds and runs, benchmarks, moto.

/** Whether this run takes its time. */
export const LONG = process.env['TALLY_LONG'] === '1';

/** Options of a test that takes long. */
export const onlyLong = { skip: !LONG && 'it takes long: set TALLY_LONG=1, as .ci/run does' } as const;

/** How often a property is tried, of how often when there is time. */
export const runs = (long: number): number => (LONG ? long : Math.ceil(long / 8));
