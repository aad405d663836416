// Empty, loading, error and no-permission states: what happened, and what to do about it.
import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import type { Polled } from '../hooks.ts';
import { wantsKey } from '../place.ts';

interface StateProps {
  readonly title: string;
  readonly role?: 'alert';
  readonly children?: ComponentChildren;
}

export function State({ title, role, children }: StateProps) {
  return (
    <div class="grid state" role={role}>
      <h2>{title}</h2>
      <div class="muted">{children}</div>
    </div>
  );
}

interface ShownProps<T> {
  readonly polled: Polled<T>;
  /** What is loaded. */
  readonly what: string;
  readonly children: (data: T) => ComponentChildren;
}

/** The data, or why there is none. An earlier answer stays while Tally is away. */
export function Shown<T>({ polled: { data, failure, isCurrent }, what, children }: ShownProps<T>) {
  if (failure?.kind === 'refused')
    return (
      <State role="alert" title="Tally cannot answer this">
        {failure.message}
      </State>
    );
  if (data !== undefined) return <div class={isCurrent ? 'grid' : 'grid stale'}>{children(data)}</div>;
  if (failure !== undefined)
    return (
      <State role="alert" title="No answer from Tally">
        The page asks again every two seconds. Check that the stack is running.
        <br />
        <small>{failure.message}</small>
      </State>
    );
  return (
    <div class="grid state" role="status">
      <div class="skeleton" />
      <p class="muted">Loading {what} …</p>
    </div>
  );
}

/** Asks for the API key, or says why nothing can be read. */
export function NoPermission({
  refused,
  onKey,
}: {
  readonly refused: boolean;
  readonly onKey: (key: string) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  if (!wantsKey)
    return (
      <State role="alert" title="Tally refuses this browser">
        This stage needs no API key, so the web ACL or a resource policy refuses the request. Ask its
        operator.
      </State>
    );
  return (
    <form
      class="card grid key-form"
      onSubmit={(event) => {
        event.preventDefault();
        const key = input.current?.value.trim() ?? '';
        if (key !== '') onKey(key);
      }}
    >
      <h2>{refused ? 'This API key is not accepted' : 'Enter the API key'}</h2>
      <p class="muted" role={refused ? 'alert' : undefined}>
        {refused
          ? 'It is mistyped, expired or disabled. Enter another key.'
          : 'This stage needs a key for reads. It stays in this tab until you close it.'}
      </p>
      <label for="api-key">API key</label>
      <div class="row">
        <input ref={input} id="api-key" class="field" type="password" autocomplete="off" required />
        <button class="primary" type="submit">
          Open the console
        </button>
      </div>
      <p class="muted">
        To print the key, take KEY_ID from the output “ApiKeyId” of the CloudFormation stack:
      </p>
      <pre>aws apigateway get-api-key --include-value --api-key KEY_ID --query value --output text</pre>
    </form>
  );
}
