// The scenes with real products, in order. As in the other demo a claim holds only if the platforms
// themselves say so.
import * as agreement from './scenes/agreement.mjs';
import * as desk from './scenes/desk.mjs';
import * as orders from './scenes/orders.mjs';
import * as troubles from './scenes/troubles.mjs';

export const scenes = [
  agreement.founding, agreement.edits, agreement.ownership, agreement.conflict, agreement.echoes,
  orders.asking, orders.closing, orders.shipping, orders.amount, orders.refused,
  desk.tickets, desk.fromSales, desk.replacement,
  troubles.outage, troubles.killed, troubles.untold, troubles.deleted,
];
