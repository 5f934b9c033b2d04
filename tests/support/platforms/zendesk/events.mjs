// What webhooks are told of a committed change: one event for each thing that changed.

const prefix = 'zen:event-type:';
const subjects = { tickets: 'ticket', users: 'user', organizations: 'organization' };

/** Field -> the event that tells of its change: {current, previous}. */
const changes = {
  tickets: {
    subject: 'subject_changed',
    status: 'status_changed',
    priority: 'priority_changed',
    type: 'type_changed',
    external_id: 'external_id_changed',
    assignee_id: 'agent_assignment_changed',
    requester_id: 'requester_changed',
    organization_id: 'organization_changed',
  },
  users: { name: 'name_changed', external_id: 'external_id_changed', role: 'role_changed' },
  organizations: { name: 'name_changed', external_id: 'external_id_changed' },
};
/** Values of these are told in capitals. */
const capitals = ['status', 'priority', 'type'];
const details = {
  tickets: [
    ['assignee_id', 'requester_id', 'submitter_id', 'organization_id', 'group_id', 'external_id'],
    ['created_at', 'updated_at', 'subject', 'description', 'status', 'priority', 'type', 'tags'],
  ].flat(),
  users: ['created_at', 'updated_at', 'email', 'external_id', 'organization_id', 'role'],
  organizations: ['created_at', 'updated_at', 'name', 'external_id', 'shared_tickets'],
};

/** [{type, subject, detail, event}] of one mutation; `before` or `after` is null at an end. */
export function eventsOf(tableName, before, after) {
  const subject = subjects[tableName];
  if (subject === undefined) {
    return [];
  }
  const row = after ?? before;
  const about = { subject: `zen:${subject}:${row.id}`, detail: detailOf(tableName, row) };
  return namedEvents(tableName, before, after).map(({ name, event }) => ({
    type: `${prefix}${subject}.${name}`,
    ...about,
    event,
  }));
}

function namedEvents(tableName, before, after) {
  if (before === null) {
    return [{ name: 'created', event: {} }];
  }
  if (tableName === 'organizations' && after === null) {
    return [{ name: 'deleted', event: {} }];
  }
  if (tableName === 'users' && before.active && !after.active) {
    return [{ name: 'deleted', event: {} }];
  }
  if (tableName === 'tickets' && after.status !== before.status) {
    const gone = after.status === 'deleted' ? [{ name: 'soft_deleted', event: {} }] : [];
    const back = before.status === 'deleted' ? [{ name: 'undeleted', event: {} }] : [];
    return [...gone, ...back, ...fieldEvents(tableName, before, after)];
  }
  return fieldEvents(tableName, before, after);
}

function fieldEvents(tableName, before, after) {
  const changed = Object.entries(changes[tableName])
    .filter(([field]) => before[field] !== after[field])
    .map(([field, name]) => ({
      name,
      event: { current: told(field, after[field]), previous: told(field, before[field]) },
    }));
  if (tableName !== 'tickets') {
    return changed;
  }
  const added = after.tags.filter((tag) => !before.tags.includes(tag));
  const removed = before.tags.filter((tag) => !after.tags.includes(tag));
  const tags =
    added.length + removed.length > 0
      ? [{ name: 'tags_changed', event: { added: { tags: added }, removed: { tags: removed } } }]
      : [];
  const comments = after.$comments.slice(before.$comments.length).map((comment) => ({
    name: 'comment_added',
    event: {
      comment: {
        id: String(comment.id),
        body: comment.body,
        is_public: comment.public,
        author: { id: String(comment.author_id) },
      },
    },
  }));
  const fields = after.custom_fields
    .map((field, i) => ({ field, previous: before.custom_fields[i]?.value ?? null }))
    .filter(({ field, previous }) => field.value !== previous)
    .map(({ field, previous }) => ({
      name: 'custom_field_changed',
      event: { current: field.value, previous, field: { id: String(field.id), type: 'text' } },
    }));
  return [...changed, ...tags, ...comments, ...fields];
}

function detailOf(tableName, row) {
  const fields = details[tableName].map((field) => [field, told(field, row[field])]);
  return { id: String(row.id), ...Object.fromEntries(fields) };
}

/** Numbers are told as text, some words in capitals. */
function told(field, value) {
  if (capitals.includes(field)) {
    return value === null ? null : value.toUpperCase();
  }
  return typeof value === 'number' ? String(value) : value;
}
