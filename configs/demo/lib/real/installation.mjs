// The demo's installation with real products: Tryton is the ERP, Request Tracker the support desk.
// How they are installed and started is that of the tests (tests/support/platforms); the CRM is
// the stand-in that the other demo has.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { TrytonClient } from '../../../../tests/support/platforms/tryton/client.mjs';
import { missingFile } from '../../../../tests/support/platforms/lib/real_platform.mjs';
import { Installation, root } from '../installation.mjs';
import { freePort } from '../processes.mjs';
import { RequestTracker } from './request_tracker.mjs';
import { Tryton } from './tryton.mjs';

/** The first start on a machine prepares the databases, on a slow one for minutes. */
const startLimitMs = 900_000;

export class RealInstallation extends Installation {
  profiles = ['salesforce', 'tryton', 'request_tracker'];

  constructor(folder) {
    super(folder);
    this.configs = path.join(root, 'configs/demo/real');
    this.shippedPolicy = path.join(this.configs, 'policy');
  }

  async startPlatforms() {
    const programs = ['/usr/bin/trytond', '/usr/share/request-tracker5/libexec/rt-server'];
    const missing = missingFile(programs);
    if (missing) throw new Error(missing);
    await this.startCrm();
    await this.startErp();
    const { company, currency, warehouse } = await this.erp.places();
    Object.assign(this.values, { company, currency, warehouse });
    await this.startSupport();
    await this.startWarehouse();
  }

  /** Started again it is where it was, with what it has. */
  async startErp() {
    this.erpPort ??= await freePort();
    const told = await this.startServer('erp', 'tryton', ['--port', String(this.erpPort)],
      startLimitMs);
    this.erpProgram = told.program;
    // Who works there is somebody else than our agent.
    this.erp = new Tryton(new TrytonClient({ credentials: { ...told, user: told.person } }), told);
    Object.assign(this.values, { erp_url: told.api.replace(/\/$/, ''), erp_user: told.user });
    this.secret('erp-secret', told.password);
  }

  async startSupport() {
    const told = await this.startServer('support', 'rt', [], startLimitMs);
    this.support = new RequestTracker(told);
    this.values.support_url = told.url;
    this.secret('support-secret', told.token);
  }

  /** What a company has of its own is only seen where the profile names the company. */
  ownProfile(name, text) {
    if (name !== 'tryton') return text;
    const { company } = this.values;
    return text.replaceAll('{{"active_test":false}}', `{{"active_test":false,"company":${company}}}`)
      .replaceAll(',{{}}]}}\'', `,{{"company":${company}}}]}}'`);
  }

  /** As somebody with the database's password would, past Tryton and its stamps. */
  erpSql(text) {
    const folder = path.join(this.folder, 'erp');
    const psql = ['psql', '-X', '-q', '-h', folder, '-U', 'postgres', '-d', 'erp', '-v',
      'ON_ERROR_STOP=1', '-c', text];
    execFileSync(psql[0], psql.slice(1), { stdio: 'pipe' });
  }

  where() {
    return [
      `CRM (Salesforce REST)        ${this.values.crm_url}`,
      `ERP (Tryton)                 ${this.values.erp_url}/ as ${this.erp.person}`,
      `                             password: ${path.join(this.folder, 'erp-secret')}`,
      `support desk (RT)            ${this.values.support_url}/ as root, password: password`,
    ];
  }
}
