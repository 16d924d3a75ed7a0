/** Tabs with the keys that a screen reader announces: arrows, Home, End. */

import * as React from 'react';

export interface Tab {
  name: string;
  words: string;
  draw: () => React.ReactNode;
}

export function Tabs(props: { label: string; tabs: Tab[]; shown: string; onShow: (name: string) => void }): JSX.Element {
  const { tabs, onShow } = props;
  const id = React.useId();
  const at = Math.max(0, tabs.findIndex(tab => tab.name === props.shown));
  const onKeyDown = (event: React.KeyboardEvent<HTMLDivElement>) => {
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) {
      return;
    }
    event.preventDefault();
    const next = (to + tabs.length) % tabs.length;
    onShow(tabs[next].name);
    event.currentTarget.querySelectorAll<HTMLElement>('[role=tab]')[next]?.focus();
  };
  return (
    <>
      <div className="tl-Tabs" role="tablist" aria-label={props.label} onKeyDown={onKeyDown}>
        {tabs.map((tab, index) => (
          <button
            key={tab.name}
            role="tab"
            id={`${id}-${tab.name}`}
            aria-selected={index === at}
            aria-controls={`${id}-panel`}
            tabIndex={index === at ? 0 : -1}
            onClick={() => onShow(tab.name)}
          >
            {tab.words}
          </button>
        ))}
      </div>
      <div className="tl-TabPanel" role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${tabs[at].name}`} tabIndex={0}>
        {tabs[at].draw()}
      </div>
    </>
  );
}
