/** What is paused, and the ways to pause and to go on: it holds for every worker and outlives this page. */

import { InputDialog } from '@jupyterlab/apputils';
import * as React from 'react';
import type { Actions } from '../actions';
import { useModel, useReading, useTopics } from '../components/hooks';
import type { Live } from '../model/live';
import type { Queue } from '../wire';

const ALL = 'all queues';

export function Queues(props: { live: Live; actions: Actions; lab: string }): JSX.Element | null {
  const { live, actions, lab } = props;
  useModel(live);
  const api = React.useMemo(() => actions.lab(lab), [actions, lab]);
  const reading = useReading(() => api.queues(), [api, live.link]);
  useTopics(live, lab, ['queues'], reading.heard);
  const queues = reading.value;
  if (!queues || live.link !== 'live') {
    return null;
  }
  const go = async (verb: () => Promise<unknown>) => {
    await actions.try(verb);
    reading.again();
  };
  const paused = queues.filter(queue => queue.paused);
  const pause = async () => {
    const queue = await choose(queues.filter(one => !one.paused));
    if (queue !== null) {
      await go(() => api.pause(queue === ALL ? null : queue));
    }
  };
  const isAll = paused.length > 0 && paused.length === queues.length;
  return (
    <>
      {!isAll && (
        <button className="tl-Link" title="Start nothing more; what runs goes on" onClick={() => void pause()}>
          Pause{queues.length > 1 ? ' …' : ''}
        </button>
      )}
      {isAll ? (
        <Paused words="Paused: nothing more starts." what="everything" onResume={() => void go(() => api.resume(null))} />
      ) : (
        paused.map(queue => (
          <Paused
            key={queue.name}
            words={`The queue ${queue.name} is paused.`}
            what={queue.name}
            onResume={() => void go(() => api.resume(queue.name))}
          />
        ))
      )}
    </>
  );
}

/** Of several the person says which. */
async function choose(queues: Queue[]): Promise<string | null> {
  if (queues.length < 2) {
    return ALL;
  }
  const said = await InputDialog.getItem({
    title: 'Pause which queue?',
    label: 'Nothing more of it starts until it is resumed; what runs goes on.',
    items: [ALL, ...queues.map(queue => queue.name)],
    okLabel: 'Pause'
  });
  return said.button.accept ? said.value : null;
}

function Paused(props: { words: string; what: string; onResume: () => void }): JSX.Element {
  return (
    <div className="tl-Notice tl-role-waiting tl-Paused" role="status">
      <span>{props.words}</span>{' '}
      <button className="tl-Link" aria-label={`Resume ${props.what}`} onClick={props.onResume}>
        Resume
      </button>
    </div>
  );
}
