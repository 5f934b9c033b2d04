// Property values. All are text; an empty one is null. Moments are milliseconds or RFC 3339 on the
// way in, and told in UTC with as many decimals as there are: 10:11:13Z, 10:11:12.467Z.

const textCharactersMax = 65_536;

export function momentText(milliseconds) {
  return new Date(milliseconds).toISOString().replace('.000Z', 'Z');
}

function momentOf(text) {
  return /^-?\d+$/.test(text) ? Number(text) : Date.parse(text);
}

/** {value}, or {error, message} where the property does not take it. `text` is not empty. */
export function acceptValue(property, text) {
  switch (property.type) {
    case 'number':
      return Number.isFinite(Number(text)) && text.trim() !== ''
        ? { value: text.trim() }
        : { error: 'INVALID_INTEGER', message: `${text} was not a valid number.` };
    case 'datetime':
      return Number.isNaN(momentOf(text))
        ? { error: 'INVALID_LONG', message: `${text} was not a valid long.` }
        : { value: momentText(momentOf(text)) };
    case 'enumeration':
      return property.options.includes(text)
        ? { value: text }
        : {
            error: 'INVALID_OPTION',
            message: `${text} was not one of the allowed options: ${property.options.join(', ')}`,
          };
    default:
      return [...text].length > textCharactersMax
        ? { error: 'INVALID_LENGTH', message: `over ${textCharactersMax} characters` }
        : { value: text };
  }
}

/** What a search compares: numbers, milliseconds, or text without case; NaN for what is neither. */
export function comparable(property, text) {
  switch (property.type) {
    case 'number':
      return text.trim() === '' ? NaN : Number(text);
    case 'datetime':
      return momentOf(text);
    default:
      return text.toLowerCase();
  }
}
