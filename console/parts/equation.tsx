// The conservation equation with its numbers, and as one bar.
import type { StatusAnswer } from '../../client/src/index.ts';
import { equationOf } from '../logic/accounts.ts';
import { whole } from '../logic/format.ts';

/** Shown even when 0. */
const ALWAYS = ['counted', 'duplicate', 'rejected', 'unread', 'inFlight'];

/** @param terse leaves out what is 0 and should be */
export function Equation({ status, terse }: { readonly status: StatusAnswer; readonly terse: boolean }) {
  const { left, terms, sum, difference } = equationOf(status);
  const shown = terse ? terms.filter(({ name, events }) => events !== 0 || ALWAYS.includes(name)) : terms;
  return (
    <div>
      <div class="row">
        <div class="term">
          <b>{whole(left.events)}</b>
          <span class="small muted">{left.label}</span>
        </div>
        {shown.map(({ name, label, events, tone, meaning }, index) => (
          <div key={name} class={`term ${tone} ${events === 0 ? 'zero' : ''}`} title={meaning}>
            <b>
              <i class="muted" aria-hidden="true">
                {index === 0 ? '= ' : '+ '}
              </i>
              <span data-term={name}>{whole(events)}</span>
            </b>
            <span class="small muted">{label}</span>
          </div>
        ))}
      </div>
      <div class="proportions" aria-hidden="true">
        {shown.map(({ name, events, tone }) => (
          <span key={name} class={tone} style={{ flexGrow: events }} />
        ))}
      </div>
      <p class={difference === 0 ? 'verdict good' : 'verdict bad'}>
        {difference === 0
          ? `Adds up: ${whole(sum)} of ${whole(left.events)} ${left.label}${status.unreadMore ? '; more is unread than one look shows' : ''}`
          : `Does not add up: ${whole(Math.abs(difference))} events are ${difference > 0 ? 'missing' : 'counted in two places'}`}
      </p>
    </div>
  );
}
