/** What a person can do to jobs; said once how it went. Buttons, keys, commands and toasts all call these. */

import { Dialog, InputDialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { CommandRegistry } from '@lumino/commands';
import { Api, LabApi } from './api';
import { troubleOf } from './errors';
import { count } from './format';
import type { Live } from './model/live';
import { Commands } from './tokens';
import type { Acted } from './wire';

const ASK_FROM = 5;

export class Actions {
  constructor(
    private readonly api: Api,
    private readonly live: Live,
    private readonly commands: CommandRegistry
  ) {}

  lab(lab: string): LabApi {
    return new LabApi(this.api, lab);
  }

  async cancel(lab: string, ids: number[]): Promise<void> {
    if (ids.length >= ASK_FROM) {
      const asked = await showDialog({
        title: `Cancel ${count(ids.length, 'job')}?`,
        body: 'What runs is stopped, what waits does not start. Each can be run again later.',
        buttons: [Dialog.cancelButton({ label: 'Keep them' }), Dialog.warnButton({ label: 'Cancel them' })]
      });
      if (!asked.button.accept) {
        return;
      }
    }
    await this.act(lab, 'cancelled', () => this.lab(lab).cancel(ids));
  }

  async retry(lab: string, ids: number[], withCode = false): Promise<void> {
    await this.act(lab, 'run again', () => this.lab(lab).retry(ids, withCode));
  }

  /** Ask for a number, and give it to all of them. `before`: what they have now. */
  async prioritise(lab: string, ids: number[], before: number): Promise<void> {
    const asked = await InputDialog.getNumber({
      title: ids.length === 1 ? `Priority of job ${ids[0]}` : `Priority of ${count(ids.length, 'job')}`,
      label: 'Of those that wait, the highest number starts first.',
      value: before,
      okLabel: 'Set'
    });
    const { value } = asked;
    if (asked.button.accept && value !== null) {
      await this.act(lab, `now have priority ${value}`, () => this.lab(lab).prioritise(ids, value));
    }
  }

  openJob(lab: string, id: number): void {
    void this.commands.execute(Commands.openJob, { lab, id });
  }

  open(command: string, lab: string, id?: number): void {
    void this.commands.execute(command, id === undefined ? { lab } : { lab, id });
  }

  async startWorker(lab: string): Promise<void> {
    await this.try(() => this.lab(lab).startWorker());
    await this.live.readLabs();
  }

  /** Do something; a refusal is said in a toast. Whether it went well. */
  async try(verb: () => Promise<unknown>, done?: string): Promise<boolean> {
    try {
      await verb();
      if (done) {
        Notification.success(done, { autoClose: 4000 });
      }
      return true;
    } catch (error) {
      this.say(error);
      return false;
    }
  }

  say(error: unknown): void {
    const trouble = troubleOf(error);
    Notification.error([trouble.message, trouble.remedy].filter(Boolean).join(' '), { autoClose: 10_000 });
  }

  private async act(lab: string, done: string, verb: () => Promise<Acted>): Promise<void> {
    try {
      const said = await verb();
      void this.live.store(lab).sync().catch(() => undefined);
      const [first] = said.errors;
      if (first) {
        const others = said.errors.length - 1;
        const rest = others > 0 ? ` (and ${others} more)` : '';
        Notification.warning(`Job ${first.id}: ${first.error.message}${rest} ${first.error.remedy}`.trim(), {
          autoClose: 10_000
        });
      } else if (said.ids.length > 1) {
        Notification.success(`${count(said.ids.length, 'job')} ${done}.`, { autoClose: 4000 });
      }
    } catch (error) {
      this.say(error);
    }
  }
}
