// Search: `type:ticket external_id:A-1 status<solved printer`. All terms must fit. Of the real
// syntax the terms that a connector needs; an unknown key finds nothing.

const kinds = { ticket: 'tickets', user: 'users', organization: 'organizations' };
const statusOrder = ['new', 'open', 'pending', 'hold', 'solved', 'closed'];
const stamps = { created: 'created_at', updated: 'updated_at' };
const references = {
  requester: 'requester_id',
  assignee: 'assignee_id',
  submitter: 'submitter_id',
  organization: 'organization_id',
};
const wordFields = ['subject', 'description', 'name', 'email', 'details', 'notes'];

/** [{table, row}] of all tables that fit, by table, then in order of creation. */
export function search(schema, rowsOf, text) {
  const terms = parseTerms(text);
  const types = terms.filter(({ key }) => key === 'type').map(({ value }) => kinds[value]);
  const conditions = terms.filter(({ key }) => key !== 'type');
  return schema
    .tables()
    .filter(({ name }) => types.length === 0 || types.includes(name))
    .flatMap((table) =>
      rowsOf(table)
        .filter((row) => conditions.every((term) => fits(row, term)))
        .map((row) => ({ table, row })),
    );
}

function parseTerms(text) {
  const pattern = /(-?)(?:([a-z_]+)(:|>=|<=|>|<))?(?:"([^"]*)"|(\S+))/gi;
  return [...text.matchAll(pattern)].map(([, minus, key, operator, quoted, plain]) => ({
    isNegative: minus === '-',
    key: key?.toLowerCase() ?? null,
    operator: operator ?? ':',
    value: quoted ?? plain,
  }));
}

function fits(row, term) {
  return matches(row, term) !== term.isNegative;
}

function matches(row, { key, operator, value }) {
  if (key === null) {
    const wanted = value.toLowerCase();
    return wordFields.some((name) => String(row[name] ?? '').toLowerCase().includes(wanted));
  }
  const name = stamps[key] ?? references[key] ?? (key === 'id' ? 'id' : key);
  if (!Object.hasOwn(row, name) || name.startsWith('$')) {
    return false;
  }
  if (key === 'tags') {
    return row.tags.includes(value.toLowerCase());
  }
  const isNone = row[name] === null;
  if (value === 'none' || isNone) {
    return value === 'none' && isNone;
  }
  const [left, right] = comparable(key, row[name], value);
  return compares(operator, left, right);
}

function comparable(key, left, right) {
  if (key === 'status') {
    return [statusOrder.indexOf(left), statusOrder.indexOf(right)];
  }
  if (stamps[key]) {
    // A day stands for all of it when compared with `:`.
    return [right.length === 10 ? left.slice(0, 10) : left, right];
  }
  return [String(left).toLowerCase(), right.toLowerCase()];
}

function compares(operator, left, right) {
  switch (operator) {
    case '>':
      return left > right;
    case '<':
      return left < right;
    case '>=':
      return left >= right;
    case '<=':
      return left <= right;
    default:
      return left === right;
  }
}
