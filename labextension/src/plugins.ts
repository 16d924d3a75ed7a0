/** The part that all others stand on: the server's verbs and the live jobs, followed from the start. */

import { ILabShell, ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import type { Event } from '@jupyterlab/services';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { refreshIcon, runIcon } from '@jupyterlab/ui-components';
import { Actions } from './actions';
import { Api, LabApi } from './api';
import { jobIcon } from './icons';
import { Live } from './model/live';
import { JobPanel } from './panel/panel';
import { Settings } from './settings';
import { JobStatus } from './status';
import { toast } from './toasts';
import { Commands, ITether } from './tokens';
import * as wire from './wire';

export const PLUGIN = 'tether-lab:plugin';
export const CATEGORY = 'Tether Lab';

export const core: JupyterFrontEndPlugin<ITether> = {
  id: PLUGIN,
  description: 'Jobs that outlive their kernels: live, in a panel, in the status bar and in toasts.',
  autoStart: true,
  provides: ITether,
  optional: [ISettingRegistry, ILabShell, ILayoutRestorer, ICommandPalette, IStatusBar],
  activate: (
    app: JupyterFrontEnd,
    registry: ISettingRegistry | null,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    statusBar: IStatusBar | null
  ) => {
    const tether = follow(app);
    const panel = new JobPanel(tether.live, tether.actions);
    app.shell.add(panel, 'left', { rank: 900, type: 'Jobs' });
    restorer?.add(panel, panel.id);
    addCommands(app, tether, panel);
    for (const command of [Commands.openPanel, Commands.startWorker]) {
      palette?.addItem({ command, category: CATEGORY });
    }
    addStatus(app, tether, labShell ? statusBar : null);
    toast(tether.live, tether.settings, tether.actions);
    void readSettings(registry, tether);
    tether.live.start();
    return tether;
  }
};

/** The live jobs of the server that this page belongs to. */
function follow(app: JupyterFrontEnd): ITether {
  const { serviceManager, commands } = app;
  const api = new Api(serviceManager.serverSettings);
  const live = new Live({
    labs: () => api.get('labs', wire.labs),
    source: lab => new LabApi(api, lab)
  });
  serviceManager.events.stream.connect((_: unknown, event: Event.Emission) => {
    if (event.schema_id === wire.CHANGE_SCHEMA) {
      live.heard(wire.changeEvent(event, 'event'));
    }
  });
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) {
      void live.look();
    }
  });
  window.addEventListener('online', () => void live.look());
  return { api, live, actions: new Actions(api, live, commands), settings: new Settings() };
}

function addCommands(app: JupyterFrontEnd, tether: ITether, panel: JobPanel): void {
  const { commands, shell } = app;
  const none = { args: { type: 'object', properties: {} } } as const;
  commands.addCommand(Commands.openPanel, {
    label: 'Show Jobs',
    icon: jobIcon,
    execute: () => shell.activateById(panel.id),
    describedBy: none
  });
  commands.addCommand(Commands.refresh, {
    label: 'Look at Jobs Now',
    icon: refreshIcon,
    execute: () => tether.live.look(),
    describedBy: none
  });
  commands.addCommand(Commands.startWorker, {
    label: 'Start the Worker',
    icon: runIcon,
    execute: () => tether.live.current && tether.actions.startWorker(tether.live.current),
    describedBy: none
  });
  const ids = {
    args: {
      type: 'object',
      required: ['ids'],
      properties: {
        lab: { type: 'string', description: 'The lab’s uuid; the one that is shown if left out.' },
        ids: { type: 'array', items: { type: 'number' }, description: 'Jobs, by id.' }
      }
    }
  } as const;
  const which = (args: { lab?: unknown; ids?: unknown }): [string, number[]] => [
    (args.lab as string | undefined) ?? tether.live.current ?? '',
    ((args.ids ?? []) as unknown[]).map(Number)
  ];
  commands.addCommand(Commands.cancel, {
    label: 'Cancel Jobs',
    execute: args => tether.actions.cancel(...which(args)),
    describedBy: ids
  });
  commands.addCommand(Commands.retry, {
    label: 'Run Jobs Again',
    execute: args => tether.actions.retry(...which(args)),
    describedBy: ids
  });
}

function addStatus(app: JupyterFrontEnd, tether: ITether, statusBar: IStatusBar | null): void {
  statusBar?.registerStatusItem(PLUGIN, {
    item: new JobStatus(tether.live, () => void app.commands.execute(Commands.openPanel)),
    align: 'left',
    rank: 90,
    isActive: () => tether.settings.statusBar,
    activeStateChanged: tether.settings.changed
  });
}

async function readSettings(registry: ISettingRegistry | null, tether: ITether): Promise<void> {
  if (!registry) {
    return;
  }
  const settings = await registry.load(PLUGIN);
  const take = () => {
    tether.settings.read(settings);
    tether.live.interval = tether.settings.pollSeconds * 1000;
  };
  take();
  settings.changed.connect(take);
}
