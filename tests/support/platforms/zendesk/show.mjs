// Rows as replies show them, and the audit that comes with the write of a ticket.

import { agentId } from './sessions.mjs';

const via = { channel: 'api', source: { from: {}, to: {}, rel: null } };

/** A row as the API shows it; `url` is the server's own address. */
export function showRow(table, row, url) {
  const shown = { url: `${url}/api/v2/${table.name}/${row.id}.json`, ...withoutHidden(row) };
  return table.name === 'tickets' ? showTicket(row, shown) : shown;
}

/** A row as the control plane shows it: with the comments of a ticket. */
export function showForTests(row) {
  const comments = row.$comments ? { comments: row.$comments } : {};
  return { ...withoutHidden(row), ...comments };
}

function withoutHidden(row) {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith('$')));
}

function showTicket(row, shown) {
  return {
    ...shown,
    via,
    raw_subject: row.subject,
    generated_timestamp: row.$stamp,
    fields: row.custom_fields,
    is_public: row.$comments.some((comment) => comment.public),
    has_incidents: false,
    email_cc_ids: [],
    satisfaction_rating: null,
    sharing_agreement_ids: [],
    followup_ids: [],
    brand_id: null,
    allow_channelback: false,
    allow_attachments: true,
    from_messaging_channel: false,
  };
}

/** What the export tells of a deleted ticket: that there was one, not what stood in it. */
export function showExported(table, row, url) {
  const shown = showRow(table, row, url);
  if (row.status !== 'deleted') {
    return shown;
  }
  const scrubbed = { subject: 'SCRUBBED', raw_subject: 'SCRUBBED', description: 'SCRUBBED' };
  return { ...shown, ...scrubbed, tags: [], custom_fields: [], fields: [] };
}

export function showComment(comment) {
  const { body } = comment;
  return { ...comment, type: 'Comment', html_body: body, plain_body: body, via, attachments: [] };
}

/** `before` null: the audit of a new ticket. */
export function auditOf(before, after) {
  const isNew = before === null;
  const changes = ['subject', 'status', 'priority', 'type', 'external_id', 'assignee_id', 'tags']
    .filter((name) => JSON.stringify(before?.[name] ?? null) !== JSON.stringify(after[name]))
    .map((name, i) => ({
      id: after.$audit * 100 + i,
      type: isNew ? 'Create' : 'Change',
      field_name: name,
      value: after[name],
      ...(isNew ? {} : { previous_value: before[name] }),
    }));
  const comments = after.$comments.slice(isNew ? 0 : before.$comments.length);
  return {
    id: after.$audit,
    ticket_id: after.id,
    created_at: after.updated_at,
    author_id: comments[0]?.author_id ?? agentId,
    via,
    events: [...comments.map(showComment), ...changes],
  };
}

/** The user behind the API token. */
export function showAgent(email, url) {
  const about = { name: 'Integration', email, role: 'admin', active: true, verified: true };
  return { id: agentId, url: `${url}/api/v2/users/${agentId}.json`, ...about };
}
