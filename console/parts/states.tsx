// States that are not data: nothing there, not yet, no permission, no answer. Each says what to do.
import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import type { Failure } from '../api.ts';

export function Empty({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
}) {
  return (
    <div class="state">
      <h2>{title}</h2>
      <div class="muted">{children}</div>
    </div>
  );
}

export function Loading({ what }: { readonly what: string }) {
  return (
    <div class="state" role="status">
      <div class="skeleton" />
      <p class="muted">Reading {what} …</p>
    </div>
  );
}

/** Why there is nothing to show. */
export function Failed({ failure }: { readonly failure: Failure }) {
  if (failure.kind === 'refused') {
    return (
      <div class="state" role="alert">
        <h2>Tally cannot answer this</h2>
        <p class="muted">{failure.message}</p>
      </div>
    );
  }
  return (
    <div class="state" role="alert">
      <h2>No answer from Tally</h2>
      <p class="muted">It is asked again every two seconds. If it stays away: is the stack running?</p>
    </div>
  );
}

/** Asks for the API key. */
export function KeyForm({
  refused,
  onKey,
}: {
  readonly refused: boolean;
  readonly onKey: (key: string) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <form
      class="card key-form"
      onSubmit={(event) => {
        event.preventDefault();
        const key = input.current?.value.trim() ?? '';
        if (key !== '') onKey(key);
      }}
    >
      <h2>{refused ? 'This API key is not accepted' : 'This stage asks for an API key'}</h2>
      <p class="muted">
        {refused
          ? 'It may be mistyped, expired or used up. Enter another one.'
          : 'The key stays in this tab until you close it.'}{' '}
        The first key of a stage is printed by
      </p>
      <pre>aws apigateway get-api-key --include-value --api-key KEY_ID --query value --output text</pre>
      <p class="muted">where KEY_ID is the output “ApiKeyId” of the stack.</p>
      <label for="api-key">API key</label>
      <div class="row">
        <input ref={input} id="api-key" type="password" autocomplete="off" required />
        <button class="primary" type="submit">
          Open the console
        </button>
      </div>
    </form>
  );
}
