// Field values. All are text, empty text is "no value", datetimes are UTC `YYYY-MM-DD HH:MM:SS`.
// Display values are for people: labels, names, and times in the user's zone.

const datetimePattern = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})$/;

export function datetimeText(milliseconds) {
  return new Date(milliseconds).toISOString().slice(0, 19).replace('T', ' ');
}

/** A datetime text moved by `minutes`; text that is none comes back unchanged. */
export function shiftDatetime(text, minutes) {
  const match = datetimePattern.exec(text);
  const milliseconds = match ? Date.parse(`${match[1]}T${match[2]}Z`) : NaN;
  return Number.isNaN(milliseconds) ? text : datetimeText(milliseconds + minutes * 60_000);
}

/** The text kept for a JSON value; undefined keeps what is there (an emptied choice). */
export function acceptValue(field, input) {
  const text = inputText(input);
  switch (field.type) {
    case 'choice':
      return text === '' ? undefined : text;
    case 'integer':
      return /^-?\d+$/.test(text.trim()) ? String(BigInt(text.trim())) : '';
    case 'decimal':
      return acceptDecimal(text.trim(), field.scale ?? 2);
    case 'datetime':
      return datetimePattern.test(text) ? text : '';
    default:
      return field.length ? [...text].slice(0, field.length).join('') : text;
  }
}

function inputText(input) {
  if (input === null || input === undefined) {
    return '';
  }
  return typeof input === 'object' ? String(input.value ?? '') : String(input);
}

/** Rounds half away from zero to `scale` places and drops zeros at the end, without floats. */
function acceptDecimal(text, scale) {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (!match) {
    return '';
  }
  const [, sign, whole, fraction = ''] = match;
  const digits = (fraction + '0'.repeat(scale + 1)).slice(0, scale + 1);
  const tenfold = BigInt(whole + digits);
  const rounded = String((tenfold + 5n) / 10n).padStart(scale + 1, '0');
  const tail = rounded.slice(rounded.length - scale).replace(/0+$/, '');
  const head = rounded.slice(0, rounded.length - scale);
  const result = tail === '' ? head : `${head}.${tail}`;
  return result === '0' ? '0' : sign + result;
}

/** What comparisons see: numbers for numeric fields, text otherwise; null for no value. */
export function comparable(field, text) {
  if (text === '') {
    return null;
  }
  if (field.type === 'integer' || field.type === 'decimal' || field.type === 'choice') {
    const number = Number(text);
    return Number.isNaN(number) ? text : number;
  }
  return text;
}
