// Which metrics and entities are known: what the store lists, what was looked at before, and what the demo counts.

/** Where known names come from. */
export interface MetricDirectory {
  /** The metrics, the likeliest first. */
  metrics(): readonly string[];
  /** Entities of a metric that were looked at, the latest first. */
  entities(metric: string): readonly string[];
  /** Notes that something was looked at. */
  note(metric: string, entity?: string): void;
}

const KEY = 'tally.known';
const METRICS_MAX = 20;
const ENTITIES_MAX = 30;

type Known = Readonly<Record<string, readonly string[]>>;

/** @param always names that are known anyway, before those this browser has looked at */
export function directoryOf(always: Known): MetricDirectory {
  const remembered = (): Known => {
    try {
      const known: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
      return typeof known === 'object' && known !== null ? (known as Known) : {};
    } catch {
      return {};
    }
  };
  const unique = (names: readonly string[]) => [...new Set(names)];
  return {
    metrics: () => unique([...Object.keys(always), ...Object.keys(remembered())]),
    entities: (metric) => unique([...(remembered()[metric] ?? []), ...(always[metric] ?? [])]),
    note: (metric, entity) => {
      const { [metric]: before = [], ...others } = remembered();
      const entities = entity === undefined ? before : unique([entity, ...before]).slice(0, ENTITIES_MAX);
      const next = Object.fromEntries(
        Object.entries({ [metric]: entities, ...others }).slice(0, METRICS_MAX),
      );
      try {
        localStorage.setItem(KEY, JSON.stringify(next));
      } catch {
        // Without storage nothing is remembered, and nothing else is different.
      }
    },
  };
}
