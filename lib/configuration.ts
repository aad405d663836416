// What can be chosen about a stage, its defaults, and how a stage's own settings are laid over them.
import { checkConfiguration } from './configuration-rules.ts';

/** A length of time in the setting's unit, or no end. */
export type Bounded = number | 'forever';

/**
 * Every setting of a stage; names carry their unit. A stage's own go into cdk.json, `context.stages.<stage>`; what is
 * given on the command line goes over them: `-c stage=prod -c settings='{"streamShards":4}'`.
 */
export interface Configuration {
  /** Name of the stage: part of the stack's name, of the parameter's path and of the API's URL. */
  readonly stage: string;
  /** Lowest level the functions log. */
  readonly logLevel: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';
  /** How long the functions' and the front door's logs are kept. */
  readonly logRetentionDays: number;
  /** X-Ray traces of the functions and the front door; each trace costs. */
  readonly tracing: boolean;
  /** Whether the stack sets the account's role with which API Gateway writes logs (one an account and region). */
  readonly gatewayLogsRole: boolean;
  /** Where alarms are sent; empty: to the topic only. */
  readonly alarmEmail: string;

  /** Whether `/v1/events`, `/v1/counts` and `/v1/status` ask for an API key. Browsers' `sendBeacon` can not send one. */
  readonly apiKeys: boolean;
  /** Requests a second that the front door takes in all, and the burst above it. */
  readonly throttleRequestsPerSecond: number;
  readonly throttleBurstRequests: number;
  /** Requests a second that one API key may make, and the burst above it. */
  readonly keyRequestsPerSecond: number;
  readonly keyBurstRequests: number;
  /** Requests a day that one API key may make; 0: no quota. */
  readonly keyRequestsPerDay: number;
  /** What stands before the API: `off`, `rate-limit` (lib/web-acl.ts), or the ARN of a regional web ACL. Web ACLs cost for every request. */
  readonly webAcl: string;
  /** Requests a minute that `rate-limit` lets one address make; a company's people may share one. */
  readonly webAclRequestsPerMinute: number;
  /** Size of the API's cache for counts; 0: none. It costs by the hour, and a full month for the smallest is some $14. */
  readonly apiCacheGb: number;
  /** How long the cache keeps an answer: so much older may counts be. */
  readonly apiCacheSeconds: number;
  /** Metrics whose totals anyone may read at `/v1/public/`, without an API key; none by default. */
  readonly publicMetrics: readonly string[];
  /** Requests a second that all of `/v1/public/` takes, and the same again as a burst. */
  readonly publicRequestsPerSecond: number;
  /** The origin whose pages may call the API from a browser; `*`: any. */
  readonly allowOrigin: string;

  /** Provisioned shards or on-demand capacity. */
  readonly streamMode: 'provisioned' | 'on-demand';
  /** Number of shards; with on-demand capacity the number that is planned for. */
  readonly streamShards: number;
  /** Into how many buckets packed events are grouped by their ids: packs reach as many shards at most (docs/decisions/0017). */
  readonly packBuckets: number;
  /** How long records can be read again. */
  readonly streamRetentionHours: number;
  /** Part of every segment id: give a new one whenever the stream is replaced or the ledger is restored. */
  readonly streamGeneration: string;

  /** Records handed to one aggregator invocation at most, and how long they are gathered. */
  readonly aggregatorBatchSize: number;
  readonly aggregatorWindowSeconds: number;
  /** Batches of one shard worked on at once: 1, or the ledger's order is lost. */
  readonly aggregatorParallelization: number;
  readonly aggregatorTimeoutSeconds: number;
  readonly aggregatorMemoryMb: number;

  /** Minutes that one counter item holds. */
  readonly bucketMinutes: number;
  /** For how long a repeated event id is recognised on a shard. */
  readonly dedupWindowSeconds: number;
  /** How far an event's time may lie before its arrival, and after it. */
  readonly acceptPastSeconds: Bounded;
  readonly acceptFutureSeconds: number;

  /** How long rollup messages wait in the queue, and dead letters in theirs. */
  readonly queueRetentionDays: number;
  readonly deadLetterRetentionDays: number;
  /** For how long after that a parked message may still be brought back. */
  readonly redriveHorizonDays: number;
  /** For how long a message handed to the writer is hidden from others. */
  readonly queueVisibilitySeconds: number;
  /** Receives after which the queue itself gives a message up: a backstop above `retryAttempts`. */
  readonly queueReceivesMax: number;

  /** Messages handed to one writer invocation at most, and how long they are gathered. */
  readonly writerBatchSize: number;
  readonly writerWindowSeconds: number;
  /** Writers running at once at most. */
  readonly writerConcurrency: number;
  readonly writerTimeoutSeconds: number;
  readonly writerMemoryMb: number;

  /** First values of the retry parameter, which an operator changes without a deployment. */
  readonly retryAttempts: number;
  readonly retryBackoffBaseSeconds: number;
  readonly retryBackoffCapSeconds: number;
  /** How much of a back-off is left to chance, from 0 to 1. */
  readonly retryBackoffJitter: number;
  readonly redrivePerSecond: number;
  readonly redriveDelaySeconds: number;
  readonly redriveDelayCapSeconds: number;
  /** By what the delay is multiplied with each round of redrive. */
  readonly redriveDelayGrowth: number;
  readonly redriveRounds: number;
  readonly redriverTimeoutSeconds: number;
  /** How long writer and redriver use a value of the parameter before they read it again. */
  readonly retryRereadSeconds: number;

  readonly queryTimeoutSeconds: number;
  readonly queryMemoryMb: number;
  readonly accountantTimeoutSeconds: number;
  /** Below the five minutes between two runs of the compactor, so that they rarely meet. */
  readonly compactorTimeoutSeconds: number;
  readonly compactorMemoryMb: number;

  /** On-demand tables, or the four capacities below. */
  readonly tableMode: 'on-demand' | 'provisioned';
  readonly counterReadUnits: number;
  readonly counterWriteUnits: number;
  readonly ledgerReadUnits: number;
  readonly ledgerWriteUnits: number;
  /**
   * Whether counter items of open hours stand in an index by their count, so that `/v1/top` answers the open hour. It triples the
   * write units of counting (docs/decisions/0014).
   */
  readonly topOpenHourIndex: boolean;
  /** How long minutes are kept: a counter item after its hour. */
  readonly counterRetentionDays: Bounded;
  /** How long hours and days are kept; months and totals are kept for ever. */
  readonly hourRetentionDays: Bounded;
  readonly dayRetentionDays: Bounded;
  /** How long segments and their event ids are remembered. */
  readonly ledgerRetentionDays: Bounded;
  /** How long rejected events, expired rows and traces of repairs stay in the archive. */
  readonly archiveRetentionDays: Bounded;
  /** Whether the aggregator keeps every record as it was sent in the archive, before anything of it is counted. */
  readonly archiveRawEvents: boolean;
  /** How long raw records stay there, also after they are no longer archived. */
  readonly rawRetentionDays: Bounded;

  /** Age of the oldest record not aggregated, and of the oldest message not written, at which an alarm goes off. */
  readonly iteratorAgeAlarmMinutes: number;
  readonly queueAgeAlarmMinutes: number;
  /** From an event's arrival until it is counted: an alarm goes off when one in a hundred takes longer. */
  readonly freshnessAlarmSeconds: number;
}

/** Settings a stage or the command line gives: any of them, by name. */
export type Settings = Readonly<Record<string, unknown>>;

/** The stage that the local stack synthesizes; its functions run from source. */
export const LOCAL_STAGE = 'local';

const DAY_SECONDS = 86_400;

/** What a production stage is unless it says otherwise. */
export const PRODUCTION: Configuration = {
  stage: 'dev',
  logLevel: 'INFO',
  logRetentionDays: 30,
  tracing: false,
  gatewayLogsRole: true,
  alarmEmail: '',

  apiKeys: true,
  throttleRequestsPerSecond: 2000,
  throttleBurstRequests: 4000,
  keyRequestsPerSecond: 500,
  keyBurstRequests: 1000,
  keyRequestsPerDay: 0,
  webAcl: 'off',
  webAclRequestsPerMinute: 3000,
  apiCacheGb: 0,
  apiCacheSeconds: 5,
  publicMetrics: [],
  publicRequestsPerSecond: 100,
  allowOrigin: '*',

  streamMode: 'provisioned',
  streamShards: 2,
  packBuckets: 16,
  streamRetentionHours: 168,
  streamGeneration: '1',

  aggregatorBatchSize: 10_000,
  aggregatorWindowSeconds: 5,
  aggregatorParallelization: 1,
  aggregatorTimeoutSeconds: 60,
  aggregatorMemoryMb: 1024,

  bucketMinutes: 60,
  dedupWindowSeconds: 600,
  acceptPastSeconds: 7 * DAY_SECONDS,
  acceptFutureSeconds: 600,

  queueRetentionDays: 4,
  deadLetterRetentionDays: 14,
  redriveHorizonDays: 14,
  queueVisibilitySeconds: 240,
  queueReceivesMax: 20,

  writerBatchSize: 100,
  writerWindowSeconds: 5,
  writerConcurrency: 10,
  writerTimeoutSeconds: 30,
  writerMemoryMb: 512,

  retryAttempts: 3,
  retryBackoffBaseSeconds: 5,
  retryBackoffCapSeconds: 300,
  retryBackoffJitter: 0.5,
  redrivePerSecond: 50,
  redriveDelaySeconds: 60,
  redriveDelayCapSeconds: 900,
  redriveDelayGrowth: 2,
  redriveRounds: 5,
  redriverTimeoutSeconds: 60,
  retryRereadSeconds: 60,

  queryTimeoutSeconds: 10,
  queryMemoryMb: 512,
  accountantTimeoutSeconds: 60,
  compactorTimeoutSeconds: 280,
  // A whole processor: below it, the same work takes longer for the same price.
  compactorMemoryMb: 1769,

  tableMode: 'on-demand',
  counterReadUnits: 25,
  counterWriteUnits: 25,
  ledgerReadUnits: 25,
  ledgerWriteUnits: 25,
  topOpenHourIndex: false,
  counterRetentionDays: 'forever',
  hourRetentionDays: 'forever',
  dayRetentionDays: 'forever',
  ledgerRetentionDays: 60,
  archiveRetentionDays: 'forever',
  archiveRawEvents: false,
  rawRetentionDays: 90,

  iteratorAgeAlarmMinutes: 10,
  queueAgeAlarmMinutes: 15,
  freshnessAlarmSeconds: 60,
};

/** Stages the code itself knows: the local stack takes logs of any age, and shows a count within two seconds. */
const KNOWN_STAGES: Readonly<Record<string, Partial<Configuration>>> = {
  [LOCAL_STAGE]: {
    logLevel: 'WARN',
    apiKeys: false,
    throttleRequestsPerSecond: 10_000,
    throttleBurstRequests: 10_000,
    aggregatorWindowSeconds: 1,
    acceptPastSeconds: 'forever',
    writerBatchSize: 10,
    writerWindowSeconds: 0,
    retryRereadSeconds: 3,
    counterRetentionDays: 'forever',
    ledgerRetentionDays: 'forever',
  },
};

/**
 * The configuration of a stage: production defaults, what the code knows of the stage, then each layer given.
 * @throws ConfigurationError one sentence, naming the setting and the nearest correct value
 */
export function configurationOf(stage: string, ...layers: Settings[]): Configuration {
  const known = Object.hasOwn(KNOWN_STAGES, stage) ? KNOWN_STAGES[stage] : {};
  return checkConfiguration(Object.assign({}, PRODUCTION, known, ...layers, { stage }));
}
