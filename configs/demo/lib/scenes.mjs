// The scenes of the demo, in order. Each does what people do at the platforms and then looks at
// the platforms themselves: a claim holds only if they say so.
import * as agreement from './scenes/agreement.mjs';
import * as deals from './scenes/deals.mjs';
import * as failures from './scenes/failures.mjs';
import * as governance from './scenes/governance.mjs';
import * as service from './scenes/service.mjs';

export const scenes = [
  agreement.founding, agreement.edits, agreement.ownership, agreement.echoes, agreement.duplicates,
  agreement.asking, agreement.ordering, agreement.cases,
  governance.newPolicy,
  failures.outage, failures.lostReply, failures.takeover, failures.killedAgent,
  governance.reconciled,
  deals.closing, deals.delivering, deals.submittedTwice, deals.undone,
  service.context, service.replacement, service.escalation, service.credit,
  deals.measured,
];
