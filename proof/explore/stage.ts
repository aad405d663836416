// What every function in a small world shares: the services, the oracle, the clock, the invocations, and what may still happen.
import type { StoredShard } from '../../fake-aws/stream.ts';
import { Oracle } from '../oracle/oracle.ts';
import { Random } from '../simulation/random.ts';
import { TABLES } from '../simulation/world/names.ts';
import { directNetwork, type Network } from '../simulation/world/network.ts';
import { ORDINARY_WORLD, World } from '../simulation/world/world.ts';
import { Actor, type Role } from './actor.ts';
import { type Budgets, budgetsOf } from './fates.ts';
import { HOUR_MS, NOW_MS, type Reshard, type SmallRecord, type SmallWorld } from './small-world.ts';

const RETRIES = '{"attempts":1,"redriveRounds":1,"redriveDelaySeconds":0,"backoffBaseSeconds":0}';

/** The world and its actors. */
export class Stage {
  readonly spec: SmallWorld;
  readonly world: World;
  readonly oracle: Oracle;
  readonly left: Budgets;
  readonly windowMs: number;
  readonly actors: Actor[] = [];
  readonly clock = { ms: NOW_MS, nowMs: () => this.clock.ms };

  constructor(spec: SmallWorld) {
    this.spec = spec;
    this.left = budgetsOf(spec);
    this.windowMs = Math.min(...spec.configs.map(({ dedupWindowMs }) => dedupWindowMs));
    this.oracle = new Oracle(this.windowMs);
    this.world = new World({
      ...ORDINARY_WORLD,
      limits: { ...ORDINARY_WORLD.limits, emptyPages: true },
      clock: this.clock,
      random: new Random('small world'),
      oracle: this.oracle,
      retries: RETRIES,
      // Expired items are deleted when the world decides.
      deltaRetentionMs: HOUR_MS,
      ttlDelayMs: Number.POSITIVE_INFINITY,
      accepted: (entries) => (this.left.cutting ? Math.min(1, entries) : entries),
    });
  }

  /** The deployed adapters over the network of an invocation, under the names of every function's ports. */
  ports(network: Network = directNetwork) {
    return this.world.clients(network, this.clock);
  }

  shard(number: number): StoredShard {
    return this.world.stream.all()[number] as StoredShard;
  }

  reshard(reshard: Reshard): void {
    if ('split' in reshard) this.world.stream.split(this.shard(reshard.split));
    else this.world.stream.merge(this.shard(reshard.merge[0]), this.shard(reshard.merge[1]));
  }

  /** Puts a record into a shard. */
  put(shard: StoredShard, { events, happenedMs = 0 }: Omit<SmallRecord, 'shard'>, arrivalMs: number): void {
    this.clock.ms = Math.max(this.clock.ms, arrivalMs);
    const metric = 'views';
    const at = NOW_MS + happenedMs;
    const sent = events.map((event) => {
      const [id = '', entity = ''] = event.split(':');
      return { id, metric, entity, at };
    });
    this.oracle.expectRecord(
      sent.map(({ id, entity }) => ({
        id: `${entity} ${id}`,
        metric,
        entity,
        atMs: at,
        n: 1,
        rejected: undefined,
      })),
    );
    const batch = [1, `batch-${shard.records.length}`, sent];
    this.world.stream.put(Buffer.from(JSON.stringify(batch)), 'batch', String(shard.hashFrom), arrivalMs);
  }

  /** Whether one more invocation of a role may start. */
  mayStart(role: Role, atOnce: number): boolean {
    const running = this.actors.filter((actor) => actor.role === role && !actor.ended).length;
    return this.left[`${role}s`] > 0 && running < atOnce;
  }

  /** Starts an invocation. @param given its input, besides the answers it receives */
  start(role: Role, given: string): Actor {
    this.left[`${role}s`] -= 1;
    const actor = new Actor(role, given, this.clock, this.spec.decided);
    this.actors.push(actor);
    return actor;
  }

  /** The state that determines everything from here on, except the memory of containers. */
  state(): readonly unknown[] {
    const { aws, queue, deadLetters, archive } = this.world;
    const { dynamoDb } = aws;
    const actors = this.actors.map(({ role, memory, ended, waiting }) => [
      role,
      memory,
      ended,
      ended ? '' : waiting.map(({ operation, subject }) => `${operation} ${subject}`),
    ]);
    return [
      [...dynamoDb.table(TABLES.ledger).items()],
      [...dynamoDb.table(TABLES.counts).items()],
      queue.messages(),
      deadLetters.messages(),
      archive.keys(),
      actors,
      this.left,
      this.clock.ms,
    ];
  }
}
