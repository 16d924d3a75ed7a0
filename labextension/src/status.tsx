/** The status bar: how many run, how many failed lately; a click opens the panel. */

import { ReactWidget } from '@jupyterlab/ui-components';
import { TextItem } from '@jupyterlab/statusbar';
import * as React from 'react';
import { useModel } from './components/hooks';
import { counted } from './model/list';
import type { Live } from './model/live';

export class JobStatus extends ReactWidget {
  constructor(
    private readonly live: Live,
    private readonly open: () => void
  ) {
    super();
    this.addClass('jp-mod-highlighted');
  }

  protected render(): JSX.Element {
    return <Item live={this.live} open={this.open} />;
  }
}

function Item(props: { live: Live; open: () => void }): JSX.Element {
  const { live } = props;
  useModel(live);
  const store = live.shown;
  useModel(store);
  const counts = store?.counts ?? {};
  const running = counted(counts, 'running');
  const waiting = counted(counts, 'waiting');
  const words =
    live.link === 'offline' || live.link === 'missing'
      ? 'Jobs: not connected'
      : running || waiting
        ? `Jobs: ${running} running${waiting ? `, ${waiting.toLocaleString('en')} waiting` : ''}`
        : 'Jobs: none running';
  return (
    <span
      role="button"
      tabIndex={0}
      className="tl-Status"
      onClick={props.open}
      onKeyDown={event => (event.key === 'Enter' || event.key === ' ') && props.open()}
    >
      <TextItem source={words} title="Open the jobs panel" />
    </span>
  );
}
