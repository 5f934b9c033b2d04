// A record as the API tells it.

/** `names`: the properties asked for; null for those that are shown unasked. */
export function showRow(type, row, names = null) {
  const wanted = names === null ? type.shown : [...names, ...type.system];
  const properties = {};
  for (const name of [...new Set(wanted)].sort()) {
    // One that the object does not have is passed over without a word.
    if (Object.hasOwn(type.properties, name)) {
      properties[name] = row.properties[name] ?? null;
    }
  }
  const { id, createdAt, updatedAt, archived, archivedAt } = row;
  const end = archived ? { archivedAt } : {};
  return { id, properties, createdAt, updatedAt, archived, ...end };
}
