// The conservation equation with its numbers, and the same as one bar.
import { type Accounts, equationOf } from '../logic/accounts.ts';
import { whole } from '../logic/format.ts';

/** Columns that are shown although they are 0: they are what one looks for. */
const ALWAYS = ['counted', 'duplicate', 'rejected', 'unread', 'inFlight'];

/** The whole equation. @param terse leaves out what is 0 and should be */
export function Equation({ accounts, terse }: { readonly accounts: Accounts; readonly terse: boolean }) {
  const { left, terms, sum, difference } = equationOf(accounts);
  const shown = terse ? terms.filter(({ name, events }) => events !== 0 || ALWAYS.includes(name)) : terms;
  return (
    <div class="equation">
      <div class="terms">
        <div class="term left">
          <b>{whole(left.events)}</b>
          <span>{left.label}</span>
        </div>
        {shown.map(({ name, label, events, tone, meaning }, index) => (
          <div key={name} class={`term ${tone} ${events === 0 ? 'zero' : ''}`} title={meaning}>
            <i aria-hidden="true">{index === 0 ? '=' : '+'}</i>
            <b data-term={name}>{whole(events)}</b>
            <span>{label}</span>
          </div>
        ))}
      </div>
      <div class="proportions" aria-hidden="true">
        {shown.map(({ name, events, tone }) => (
          <span key={name} class={`${tone} of-${name}`} style={{ flexGrow: events }} />
        ))}
      </div>
      <p class={difference === 0 ? 'verdict good' : 'verdict bad'}>
        {difference === 0
          ? `Adds up: ${whole(sum)} of ${whole(left.events)} ${left.label}${accounts.unreadMore ? ', and more is unread than one look shows' : ''}`
          : `Does not add up: ${whole(Math.abs(difference))} events are ${difference > 0 ? 'nowhere' : 'in two places'}`}
      </p>
    </div>
  );
}
