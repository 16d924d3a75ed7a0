/** Small things that every view draws alike. */

import type { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { percent } from '../format';
import { troubleOf } from '../errors';
import type { Bar, Role } from '../wire';

export const SIGNS: Record<Role, string> = {
  waiting: '◌',
  running: '▶',
  retrying: '↻',
  good: '✓',
  bad: '✗',
  ended: '■'
};

export function Badge(props: { status: string; role: Role }): JSX.Element {
  return (
    <span className={`tl-Badge tl-role-${props.role}`}>
      <span aria-hidden="true">{SIGNS[props.role]} </span>
      {props.status}
    </span>
  );
}

export function ProgressBar(props: { bar: Bar; role?: Role }): JSX.Element {
  const { label, fraction, text } = props.bar;
  const said = [fraction === null ? '' : percent(fraction), text].filter(Boolean).join(' · ');
  return (
    <div className="tl-Bar">
      <div className="tl-Bar-head">
        <span>{label}</span>
        <span className="tl-soft tl-numbers">{said}</span>
      </div>
      {fraction !== null && <Track fraction={fraction} label={label || 'progress'} />}
    </div>
  );
}

export function Track(props: { fraction: number; label: string }): JSX.Element {
  const width = `${(props.fraction * 100).toFixed(1)}%`;
  return (
    <div
      className="tl-Track"
      role="progressbar"
      aria-label={props.label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.floor(props.fraction * 100)}
    >
      <div className="tl-Track-fill" style={{ width }} />
    </div>
  );
}

export function Loading(props: { what: string }): JSX.Element {
  return (
    <div className="tl-State" role="status">
      <span className="tl-Spinner" aria-hidden="true" />
      Loading {props.what} …
    </div>
  );
}

/** Nothing there, and how something would come. */
export function Empty(props: { title: string; children?: React.ReactNode }): JSX.Element {
  return (
    <div className="tl-State">
      <strong>{props.title}</strong>
      {props.children}
    </div>
  );
}

/** What went wrong, what to do, and a button to try again. */
export function Failed(props: { error: unknown; again?: () => void }): JSX.Element {
  const trouble = troubleOf(props.error);
  return (
    <div className="tl-Failed" role="alert">
      <div className="tl-strong">{trouble.message}</div>
      {trouble.where && !trouble.message.startsWith(trouble.where) && <div className="tl-soft">{trouble.where}</div>}
      {trouble.remedy && <div>{trouble.remedy}</div>}
      {props.again && (
        <button className="tl-Button" onClick={props.again}>
          Try again
        </button>
      )}
    </div>
  );
}

/** A button that is only a sign; its words are its name and its hint. */
export function IconButton(props: {
  icon: LabIcon;
  label: string;
  onClick: (event: React.MouseEvent) => void;
  disabled?: boolean;
  tabIndex?: number;
  pressed?: boolean;
}): JSX.Element {
  const Icon = props.icon.react;
  return (
    <button
      className="tl-IconButton"
      title={props.label}
      aria-label={props.label}
      aria-pressed={props.pressed}
      disabled={props.disabled}
      tabIndex={props.tabIndex}
      onClick={props.onClick}
    >
      <Icon tag="span" stylesheet="menuItem" className="tl-Icon" />
    </button>
  );
}

export function Tags(props: { tags: readonly string[] }): JSX.Element | null {
  return props.tags.length === 0 ? null : (
    <span className="tl-Tags">
      {props.tags.map(tag => (
        <span className="tl-Tag" key={tag}>
          {tag}
        </span>
      ))}
    </span>
  );
}
