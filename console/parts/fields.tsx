// Fields and links.

import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import type { Navigation } from '../hooks.ts';
import { shownName } from '../logic/format.ts';
import type { Question } from '../logic/question.ts';

interface ComboboxProps {
  readonly label: string;
  readonly value: string;
  readonly placeholder: string;
  readonly options: readonly string[];
  readonly onChoose: (value: string) => void;
}

/** A text field with suggestions. Enter, a suggestion or leaving the field chooses, Escape does not. */
export function Combobox({ label, value, placeholder, options, onChoose }: ComboboxProps) {
  const id = useId();
  const [typed, setTyped] = useState<string>();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        list={`${id}-list`}
        autocomplete="off"
        spellcheck={false}
        dir="auto"
        // An empty field suggests everything.
        value={typed ?? value}
        placeholder={value || placeholder}
        onFocus={() => setTyped('')}
        onInput={({ currentTarget }) => setTyped(currentTarget.value)}
        onChange={({ currentTarget: { value: chosen } }) => {
          setTyped(undefined);
          if (chosen && chosen !== value) onChoose(chosen);
        }}
        onBlur={() => setTyped(undefined)}
        onKeyDown={({ key, currentTarget }) => {
          if (key === 'Escape') currentTarget.value = '';
          if (key === 'Escape' || key === 'Enter') currentTarget.blur();
        }}
      />
      <datalist id={`${id}-list`}>
        {options.map((option) => (
          <option key={option} value={option} label={shownName(option)} />
        ))}
      </datalist>
    </div>
  );
}

interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly value: T | undefined;
  readonly options: readonly (readonly [value: T, text: string])[];
  readonly onChoose: (value: T) => void;
}

/** A choice of a few, side by side. */
export function Choice<T extends string>({ label, value, options, onChoose }: ChoiceProps<T>) {
  const id = useId();
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      <div>
        {options.map(([option, text]) => (
          <label key={option}>
            <input type="radio" name={id} checked={option === value} onChange={() => onChoose(option)} />
            <span>{text}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

interface LinkProps extends Pick<Navigation, 'ask' | 'linkTo'> {
  readonly to: Partial<Question>;
  readonly class?: string;
  readonly current?: boolean;
  readonly children: ComponentChildren;
}

/** A link within the page, which a browser can open in a new tab. */
export function Link({ ask, linkTo, to, class: name, current = false, children }: LinkProps) {
  return (
    <a
      class={name}
      href={linkTo(to)}
      aria-current={current ? 'page' : undefined}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        ask(to);
      }}
    >
      {children}
    </a>
  );
}
