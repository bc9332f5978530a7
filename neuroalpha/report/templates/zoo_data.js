// What the page knows: the table's columns, the spectra, and how numbers and names are written.

const DATA = JSON.parse(document.getElementById('data').textContent);
const N = DATA.table.n;
const COLUMNS = new Map(); // name -> {values: [one a row], numeric}
for (const [name, packed] of Object.entries(DATA.table.columns)) {
  const numeric = 'numbers' in packed;
  const values = numeric ? packed.numbers.map(v => (v === null ? NaN : v)) : packed.at.map(i => packed.values[i]);
  COLUMNS.set(name, { values, numeric });
}
const at = (name, row) => COLUMNS.get(name).values[row];
const known = value => (typeof value === 'number' ? Number.isFinite(value) : value !== '');
const anyKnown = name => COLUMNS.has(name) && COLUMNS.get(name).values.some(known);

const LABELS = {
  model: 'model', weights: 'weights', images: 'images', layer: 'layer', depth: 'depth', alpha: 'alpha', r2: 'R²', verdict: 'verdict',
  reduce: 'reduced by', estimator: 'estimator', n_stimuli: 'stimuli', n_neuroids: 'units', participation_ratio: 'participation ratio',
  effective_rank: 'effective rank', effective_rank_singular: 'effective rank (singular values)', n_constant: 'constant units', n_80: 'components for 80 %', n_95: 'components for 95 %', stable_rank: 'stable rank', n_90: 'components for 90 %', parameters: 'parameters', seed: 'seed',
  low: 'alpha, low end', high: 'alpha, high end', alpha_window_min: 'least alpha of other windows',
  alpha_window_max: 'greatest alpha of other windows', first: 'first rank', last: 'last rank',
};
const labelOf = name => (Object.hasOwn(LABELS, name) ? LABELS[name] : name);

const DIGITS = { alpha: 3, low: 3, high: 3, r2: 3, depth: 2, alpha_window_min: 2, alpha_window_max: 2 };
const WHOLE = new Map();
function isWhole(name) {
  if (!WHOLE.has(name)) WHOLE.set(name, COLUMNS.get(name).values.every(v => Number.isNaN(v) || Number.isInteger(v)));
  return WHOLE.get(name);
}
function written(name, value) {
  if (typeof value !== 'number') return value;
  if (!Number.isFinite(value)) return '';
  if (Object.hasOwn(DIGITS, name)) return value.toFixed(DIGITS[name]);
  if (isWhole(name)) return name === 'seed' ? String(value) : value.toLocaleString('en');
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(2);
  return size >= 1000 ? value.toLocaleString('en', { maximumFractionDigits: 1 }) : value.toFixed(size < 1 ? 3 : 2);
}
function interval(row) {
  return Number.isFinite(at('low', row)) ? `${written('low', at('low', row))} to ${written('high', at('high', row))}` : '';
}
function ranks(row) {
  return Number.isFinite(at('first', row)) ? `${at('first', row)}-${at('last', row)}` : '';
}
function named(row) {
  return [at('model', row), at('layer', row), at('images', row)].filter(Boolean).join(' · ');
}
// Plotly shows some HTML in its labels; a name shows as it was written.
const plain = text => String(text).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

function floats(text) {
  const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}
const decoded = new Map();
function spectrumOf(row) {
  const key = at('key', row);
  if (!Object.hasOwn(DATA.spectra, key)) return null;
  if (!decoded.has(key)) {
    const { rank, share, low, high, ...rest } = DATA.spectra[key];
    decoded.set(key, {
      ...rest, rank: floats(rank), share: floats(share), low: low ? floats(low) : null, high: high ? floats(high) : null,
    });
  }
  return decoded.get(key);
}

// A model's last layer: the greatest depth with an alpha (a classifier of ten units has none) among its rows with the
// same weights and images; without any alpha, the greatest depth.
const LAST = (() => {
  const name = row => JSON.stringify([at('model', row), at('weights', row), at('images', row)]);
  const deepest = new Map();
  const fitted = new Set();
  for (let row = 0; row < N; row++) if (known(at('alpha', row))) fitted.add(name(row));
  for (let row = 0; row < N; row++) {
    const depth = at('depth', row);
    if (fitted.has(name(row)) && !known(at('alpha', row))) continue;
    if (Number.isFinite(depth)) deepest.set(name(row), Math.max(deepest.get(name(row)) ?? -Infinity, depth));
    else if (!deepest.has(name(row))) deepest.set(name(row), -Infinity);
  }
  const names = Array.from({ length: N }, (_, row) => name(row));
  return names.map((each, row) => deepest.get(each) === -Infinity || at('depth', row) === deepest.get(each));
})();

function averagedRanks(values) {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]);
  const result = new Array(values.length);
  for (let i = 0; i < order.length;) {
    let j = i;
    while (j + 1 < order.length && values[order[j + 1]] === values[order[i]]) j++;
    for (let k = i; k <= j; k++) result[order[k]] = (i + j) / 2 + 1;
    i = j + 1;
  }
  return result;
}
function spearman(x, y) {
  const [a, b] = [averagedRanks(x), averagedRanks(y)];
  const middle = (x.length + 1) / 2;
  let ab = 0, aa = 0, bb = 0;
  for (let i = 0; i < a.length; i++) {
    ab += (a[i] - middle) * (b[i] - middle);
    aa += (a[i] - middle) ** 2;
    bb += (b[i] - middle) ** 2;
  }
  return ab / Math.sqrt(aa * bb);
}

// RFC 4180. A spreadsheet would run text that begins like a formula; an apostrophe before it makes it text.
function csvCell(value) {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  const text = /^\s*[=+\-@]|^[\t\r\n]/.test(value) ? `'${value}` : value;
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}
function toCsv(rows) {
  const names = DATA.table.given;
  const lines = [names.map(csvCell), ...rows.map(row => names.map(name => csvCell(at(name, row))))];
  return lines.map(cells => cells.join(',') + '\r\n').join('');
}
