// Names of the simulated stage's resources.

/** The tables. */
export const TABLES = { ledger: 'ledger', counts: 'counts' } as const;
export const STREAM = 'events';
export const BUCKET = 'archive';
export const PARAMETER = '/tally/retries';
const QUEUES = 'https://sqs.us-east-1.amazonaws.com/000000000000';
/** The queues' URLs; they end in the queues' names. */
export const URLS = { rollups: `${QUEUES}/rollup`, deadLetters: `${QUEUES}/dead` } as const;
