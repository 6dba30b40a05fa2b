// One of a few, all of them seen.

import { useId } from "preact/hooks";

interface Props<T extends string> {
  label: string;
  chosen: T;
  choices: [T, string][];
  choose: (value: T) => void;
}

export function Choice<T extends string>({ label, chosen, choices, choose }: Props<T>) {
  const name = useId();
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      <div class="segments">
        {choices.map(([value, words]) => (
          <label key={value}>
            <input type="radio" class="hidden" name={name} checked={value === chosen} onChange={() => choose(value)} />
            <span>{words}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
