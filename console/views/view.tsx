// What the views share.
import type { Api } from '../api.ts';
import type { Navigation } from '../hooks.ts';

export interface ViewProps extends Navigation {
  readonly api: Api;
  /** The metrics, and of the demo's its entities: others come from the top lists. */
  readonly known: ReadonlyMap<string, readonly string[]>;
}

export interface TileProps {
  readonly label: string;
  readonly value: string;
  readonly note?: string;
}

export function Tile({ label, value, note }: TileProps) {
  return (
    <div class="tile">
      <span class="muted">{label}</span>
      <b>{value}</b>
      {note !== undefined && <small class="muted">{note}</small>}
    </div>
  );
}

export function SendOne({ metric, entity }: { readonly metric: string; readonly entity: string }) {
  const body = JSON.stringify({ events: [{ metric, entity }] }).replaceAll("'", "'\\''");
  return <pre>{`curl -s ${location.origin}/v1/events -H 'content-type: application/json' -d '${body}'`}</pre>;
}
