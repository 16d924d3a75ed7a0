/** Opens our pages in the main area (in Notebook 7: beside the notebook), one for each thing, restored with the layout. */

import type { ILabShell, ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { LabIcon, ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { ITether } from '../tokens';
import { useModel } from '../components/hooks';
import { Empty } from '../components/parts';

export interface Where {
  lab: string;
  id: number;
}

/** A kind of page: how it is called, and what it draws. */
export interface PageKind {
  command: string;
  label: string;
  title: (where: Where) => string;
  icon: LabIcon;
  draw: (where: Where, retitle: (title: string) => void) => JSX.Element;
  /** One page for each id, not one for all. */
  each: boolean;
}

class Page extends ReactWidget {
  constructor(
    private readonly tether: ITether,
    readonly where: Where,
    private readonly kind: PageKind
  ) {
    super();
    this.addClass('tl-Page');
    this.node.tabIndex = -1;
  }

  protected render(): JSX.Element {
    return <Shown tether={this.tether} where={this.where} kind={this.kind} retitle={this.retitle} />;
  }

  private readonly retitle = (title: string): void => {
    const main = this.parent;
    if (main && main.title.label !== title) {
      main.title.label = title;
      main.title.caption = title;
    }
  };
}

/** A page that was restored without a lab shows the one that is shown everywhere. */
function Shown(props: {
  tether: ITether;
  where: Where;
  kind: PageKind;
  retitle: (title: string) => void;
}): JSX.Element {
  const { tether, where, kind } = props;
  useModel(tether.live);
  const lab = where.lab || tether.live.current;
  return lab ? kind.draw({ lab, id: where.id }, props.retitle) : <Empty title="There is no lab yet." />;
}

/** Of several labs, a page of one that is not the usual one says which. */
function otherLab(tether: ITether, where: Where): string {
  const lab = tether.live.labs.find(one => one.uuid === where.lab);
  return lab && !lab.default && tether.live.labs.length > 1 ? ` · ${lab.name}` : '';
}

export function addPage(
  app: JupyterFrontEnd,
  tether: ITether,
  kind: PageKind,
  shell: ILabShell | null,
  restorer: ILayoutRestorer | null
): void {
  const tracker = new WidgetTracker<MainAreaWidget<Page>>({ namespace: kind.command });
  const idOf = (where: Where) => `${kind.command}-${where.lab}${kind.each ? `-${where.id}` : ''}`;
  app.commands.addCommand(kind.command, {
    label: kind.label,
    icon: kind.icon,
    execute: args => {
      const where = { lab: (args.lab as string | undefined) || (tether.live.current ?? ''), id: Number(args.id ?? 0) };
      const id = idOf(where);
      const open = tracker.find(widget => widget.id === id);
      if (open) {
        open.content.where.id = where.id || open.content.where.id;
        open.content.update();
        app.shell.activateById(id);
        return;
      }
      const main = new MainAreaWidget({ content: new Page(tether, where, kind) });
      main.id = id;
      main.title.label = kind.title(where) + otherLab(tether, where);
      main.title.icon = kind.icon;
      main.title.closable = true;
      main.toolbar.hide();
      app.shell.add(main, shell ? 'main' : 'right');
      void tracker.add(main);
      app.shell.activateById(id);
    },
    describedBy: {
      args: {
        type: 'object',
        properties: {
          lab: { type: 'string', description: 'The lab’s uuid; the one that is shown if left out.' },
          id: { type: 'number', description: 'Which one to show.' }
        }
      }
    }
  });
  if (restorer) {
    void restorer.restore(tracker, {
      command: kind.command,
      args: widget => ({ ...widget.content.where }),
      name: widget => idOf(widget.content.where)
    });
  }
}
