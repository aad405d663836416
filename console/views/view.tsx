// What the views share.
import type { ComponentChildren } from 'preact';
import type { StatusAnswer } from '../../client/src/index.ts';
import type { Api } from '../api.ts';
import type { Navigation } from '../hooks.ts';
import type { Reading } from '../logic/arrivals.ts';
import { Combobox } from '../parts/fields.tsx';

export interface ViewProps extends Navigation {
  readonly api: Api;
  /** The metrics, and of the demo's its entities: others come from the top lists. */
  readonly known: ReadonlyMap<string, readonly string[]>;
  readonly hasDemo: boolean;
  readonly status: StatusAnswer;
  /** Of this page's time. */
  readonly readings: readonly Reading[];
}

interface CardProps {
  readonly title: ComponentChildren;
  readonly class?: string;
  /** Beside the title. */
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Card({ title, class: name = '', aside, children }: CardProps) {
  return (
    <div class={`card ${name}`}>
      <div class="row card-head">
        <h2>{title}</h2>
        {aside}
      </div>
      {children}
    </div>
  );
}

interface TileProps {
  readonly label: string;
  readonly value: string;
  readonly note?: string | undefined;
}

export function Tile({ label, value, note }: TileProps) {
  return (
    <div class="small tile">
      <span class="muted">{label}</span>
      <b>{value}</b>
      {note !== undefined && <small class="muted">{note}</small>}
    </div>
  );
}

export function MetricField({ known, question, ask }: Pick<ViewProps, 'known' | 'question' | 'ask'>) {
  return (
    <Combobox
      label="Metric"
      value={question.metric}
      placeholder="such as view"
      options={[...known.keys()]}
      onChoose={(metric) => ask({ metric, entity: '' })}
    />
  );
}

export function SendOne({ metric, entity }: { readonly metric: string; readonly entity: string }) {
  const body = JSON.stringify({ events: [{ metric, entity }] }).replaceAll("'", "'\\''");
  return <pre>{`curl -s ${location.origin}/v1/events -H 'content-type: application/json' -d '${body}'`}</pre>;
}
