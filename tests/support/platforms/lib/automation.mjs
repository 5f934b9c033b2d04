// Business rules as data: a field computed from others by a lookup table, inside the save itself,
// so the row that comes back differs from what was sent.
// {"table", "inputs": ["impact", "urgency"], "sets": "priority", "lookup": {"1": {"1": "1"}}}

/** The row after every rule of its table; the same object when none applies. */
export function applyRules(rules, table, row) {
  let result = row;
  for (const rule of rules) {
    if (rule.table !== table) {
      continue;
    }
    const value = lookUp(
      rule.lookup,
      rule.inputs.map((input) => row[input]),
    );
    if (value !== undefined && value !== result[rule.sets]) {
      result = { ...result, [rule.sets]: value };
    }
  }
  return result;
}

function lookUp(tree, keys) {
  return keys.reduce((node, key) => (node === undefined ? undefined : node[key]), tree);
}
