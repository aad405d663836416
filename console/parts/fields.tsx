// Fields and links.

import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Navigation } from '../hooks.ts';
import { shownName } from '../logic/format.ts';
import type { Question } from '../logic/question.ts';

export interface ComboboxProps {
  readonly label: string;
  readonly value: string;
  readonly placeholder: string;
  readonly options: readonly string[];
  readonly onChoose: (value: string) => void;
}

const SHOWN_MAX = 12;

/** A text field with suggestions: the ARIA pattern of a combobox, with arrow keys, Enter and Escape. */
export function Combobox({ label, value, placeholder, options, onChoose }: ComboboxProps) {
  const id = useId();
  const [text, setText] = useState(value);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => setText(value), [value]);
  const typed = text !== value;
  const matching = typed
    ? options.filter((option) => option.toLowerCase().includes(text.toLowerCase()))
    : options;
  const shown = matching.slice(0, SHOWN_MAX);
  const isOpen = open && shown.length > 0;
  const choose = (chosen: string) => {
    setOpen(false);
    setActive(-1);
    setText(chosen);
    if (chosen !== value) onChoose(chosen);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      setOpen(true);
      const step = event.key === 'ArrowDown' ? 1 : -1;
      setActive((before) => Math.max(-1, Math.min(shown.length - 1, before + step)));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      choose(isOpen && active >= 0 ? (shown[active] ?? text) : text);
    } else if (event.key === 'Escape') {
      setOpen(false);
      setText(value);
    }
  };
  return (
    <div class="field combobox">
      <label for={id}>{label}</label>
      <input
        ref={input}
        id={id}
        role="combobox"
        aria-expanded={isOpen}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={isOpen && active >= 0 ? `${id}-${active}` : undefined}
        autocomplete="off"
        spellcheck={false}
        dir="auto"
        placeholder={placeholder}
        value={text}
        onInput={({ currentTarget }) => {
          setText(currentTarget.value);
          setOpen(true);
          setActive(-1);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => {
          setOpen(false);
          if (text !== value) choose(text);
        }}
        onKeyDown={onKeyDown}
      />
      <div
        id={`${id}-list`}
        role="listbox"
        aria-label={`Suggestions: ${label}`}
        hidden={!isOpen}
        class="options"
      >
        {isOpen &&
          shown.map((option, index) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled by the input
            <div
              key={option}
              id={`${id}-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === active}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => {
                choose(option);
                input.current?.blur();
              }}
            >
              <bdi>{shownName(option)}</bdi>
            </div>
          ))}
      </div>
    </div>
  );
}

interface OptionsProps<T extends string> {
  readonly label: string;
  readonly value: T | undefined;
  readonly options: readonly (readonly [value: T, text: string])[];
  readonly onChoose: (value: T) => void;
}

/** A choice of a few, side by side. */
export function Choice<T extends string>({ label, value, options, onChoose }: OptionsProps<T>) {
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

/** A choice of many. */
export function Select({ label, value, options, onChoose }: OptionsProps<string>) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={({ currentTarget }) => onChoose(currentTarget.value)}>
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
    </div>
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
