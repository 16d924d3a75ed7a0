/** The form that asks how a notebook runs: its parameters, then the options that people set most. */

import { Dialog } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';
import { Failed } from '../components/parts';
import { changed, freely, isPlain, shown } from '../model/values';
import { Field } from '../pages/schedule-editor';
import type { Parameter, Parameters } from '../wire';

/** What was typed, kept while the server refuses it. */
export interface Draft {
  typed: Record<string, string>;
  free: string;
  key: string;
  retries: string;
  timeout: string;
  output: string;
}

export const EMPTY: Draft = { typed: {}, free: '', key: '', retries: '', timeout: '', output: '' };

/** The body of the request. Throws where something typed is no value. */
export function request(path: string, known: Parameters, draft: Draft): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  const retries = draft.retries.trim();
  if (retries) {
    if (!/^\d{1,4}$/.test(retries)) {
      throw new Error(`Retries: ${retries} is no number. Write how often a failed run starts again, such as 2.`);
    }
    options.retries = Number(retries);
  }
  for (const name of ['timeout', 'output'] as const) {
    if (draft[name].trim()) {
      options[name] = draft[name].trim();
    }
  }
  return {
    path,
    parameters: known.parameters ? changed(known.parameters, draft.typed) : freely(draft.free),
    ...(draft.key.trim() ? { key: draft.key.trim() } : {}),
    options
  };
}

export class NotebookForm extends ReactWidget implements Dialog.IBodyWidget<Draft> {
  constructor(
    private readonly name: string,
    private readonly known: Parameters,
    private draft: Draft,
    private readonly error: unknown
  ) {
    super();
    this.addClass('tl-Dialog');
    this.addClass('tl-NotebookForm');
  }

  getValue(): Draft {
    return this.draft;
  }

  protected render(): JSX.Element {
    return (
      <Form
        name={this.name}
        known={this.known}
        first={this.draft}
        error={this.error}
        onDraft={draft => {
          this.draft = draft;
        }}
      />
    );
  }
}

type Change = (part: (before: Draft) => Partial<Draft>) => void;

function Form(props: {
  name: string;
  known: Parameters;
  first: Draft;
  error: unknown;
  onDraft: (draft: Draft) => void;
}): JSX.Element {
  const { name, known, error, onDraft } = props;
  const [draft, set] = React.useState(props.first);
  const latest = React.useRef(draft);
  const change: Change = part => {
    latest.current = { ...latest.current, ...part(latest.current) };
    onDraft(latest.current);
    set(latest.current);
  };
  return (
    <>
      {error !== null && <Failed error={error} />}
      <ParameterFields known={known} draft={draft} change={change} />
      <h2>Options</h2>
      <div className="tl-Form-fields">
        <Field label="Name" hint="The job’s key">
          <input
            placeholder={name}
            value={draft.key}
            spellCheck={false}
            onChange={event => change(() => ({ key: event.target.value }))}
          />
        </Field>
        <Field label="Retries" hint="If it fails">
          <input
            inputMode="numeric"
            placeholder="0"
            value={draft.retries}
            onChange={event => change(() => ({ retries: event.target.value }))}
          />
        </Field>
        <Field label="Timeout" hint="30s, 10m, 2h">
          <input
            placeholder="none"
            value={draft.timeout}
            spellCheck={false}
            onChange={event => change(() => ({ timeout: event.target.value }))}
          />
        </Field>
        <Field label="Save the executed copy as" hint="{name}, {date}, {job} are filled in" wide>
          <input
            placeholder="beside the notebook"
            value={draft.output}
            spellCheck={false}
            onChange={event => change(() => ({ output: event.target.value }))}
          />
        </Field>
      </div>
    </>
  );
}

function ParameterFields(props: {
  known: Parameters;
  draft: Draft;
  change: Change;
}): JSX.Element {
  const { known, draft, change } = props;
  if (known.parameters === null) {
    return (
      <Field label="Parameters (JSON)" hint="No cell that can be read is tagged “parameters”; what you give here is set all the same" wide>
        <textarea
          rows={2}
          spellCheck={false}
          placeholder='{"lr": 0.1}'
          value={draft.free}
          onChange={event => change(() => ({ free: event.target.value }))}
        />
      </Field>
    );
  }
  if (known.parameters.length === 0) {
    return (
      <div className="tl-soft">
        It has no parameters. Tag the cell that assigns them <code>parameters</code> to set them here.
      </div>
    );
  }
  return (
    <>
      <h2>Parameters</h2>
      <div className="tl-Form-fields">
        {known.parameters.map(parameter => (
          <ParameterField
            key={parameter.name}
            parameter={parameter}
            value={draft.typed[parameter.name] ?? shown(parameter)}
            onChange={value => change(before => ({ typed: { ...before.typed, [parameter.name]: value } }))}
          />
        ))}
      </div>
    </>
  );
}

function ParameterField(props: {
  parameter: Parameter;
  value: string;
  onChange: (value: string) => void;
}): JSX.Element {
  const { parameter, value } = props;
  const first = shown(parameter);
  const hint = !isPlain(parameter)
    ? 'Worked out when it runs, if left empty'
    : value === first
      ? undefined
      : `In the notebook: ${first || 'empty'}`;
  if (typeof parameter.default === 'boolean') {
    return (
      <Field label={parameter.name} hint={hint}>
        <select value={value} onChange={event => props.onChange(event.target.value)}>
          <option>True</option>
          <option>False</option>
        </select>
      </Field>
    );
  }
  return (
    <Field label={parameter.name} hint={hint}>
      <input
        value={value}
        className="tl-mono"
        spellCheck={false}
        placeholder={isPlain(parameter) ? '' : parameter.text}
        onChange={event => props.onChange(event.target.value)}
      />
    </Field>
  );
}
