// What the page knows: the table's columns, the spectra, and how numbers and names are written.

const $ = id => document.getElementById(id);
function make(tag, text, more) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  return Object.assign(element, more);
}

const DATA = JSON.parse(document.getElementById('data').textContent);
const N = DATA.table.n;
function unpacked(columns) { // name -> {values: [one a row], numeric}
  return new Map(Object.entries(columns).map(([name, packed]) => {
    const numeric = 'numbers' in packed;
    const values = numeric ? packed.numbers.map(v => (v === null ? NaN : v)) : packed.at.map(i => packed.values[i]);
    return [name, { values, numeric }];
  }));
}
const COLUMNS = unpacked(DATA.table.columns);
const at = (name, row) => COLUMNS.get(name).values[row];
const known = value => (typeof value === 'number' ? Number.isFinite(value) : value !== '');
const anyKnown = name => COLUMNS.has(name) && COLUMNS.get(name).values.some(known);

const LABELS = {
  model: 'model', weights: 'weights', images: 'images', layer: 'layer', depth: 'depth', alpha: 'alpha', r2: 'R²', verdict: 'verdict',
  reduce: 'reduced by', estimator: 'estimator', n_stimuli: 'stimuli', n_neuroids: 'units', participation_ratio: 'participation ratio',
  effective_rank: 'effective rank', effective_rank_singular: 'effective rank (singular values)', n_constant: 'constant units', n_80: 'components for 80 %', n_95: 'components for 95 %', stable_rank: 'stable rank', n_90: 'components for 90 %', parameters: 'parameters', seed: 'seed',
  low: 'alpha, low end', high: 'alpha, high end', alpha_window_min: 'least alpha of other windows',
  alpha_window_max: 'greatest alpha of other windows', first: 'first rank', last: 'last rank',
  balanced_accuracy: 'balanced accuracy', knn_accuracy: 'kNN accuracy', logistic_accuracy: 'logistic accuracy', calibration_error: 'calibration error',
  corruption_accuracy: 'corruption accuracy', mean_corruption_error: 'mean corruption error', relative_drop: 'relative drop',
};
for (const { name, label } of DATA.sweep?.scores ?? []) if (!Object.hasOwn(LABELS, name)) LABELS[name] = label;
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

// A model's first, middle and last layer: by depth among its rows with the same weights and images; of layers without an
// alpha (a classifier of ten units has none) only where all are. Rows of a model without depths are all of these.
const ROLES = (() => {
  const name = row => JSON.stringify([at('model', row), at('weights', row), at('images', row)]);
  const depths = new Map();
  const add = row => {
    if (!depths.has(name(row))) depths.set(name(row), new Set());
    if (Number.isFinite(at('depth', row))) depths.get(name(row)).add(at('depth', row));
  };
  const rows = Array.from({ length: N }, (_, row) => row);
  rows.filter(row => known(at('alpha', row))).forEach(add);
  const of = new Map([...depths].filter(([, some]) => some.size));
  depths.clear();
  rows.forEach(add);
  for (const [each, some] of depths) if (!of.has(each)) of.set(each, some);
  const ordered = new Map([...of].map(([each, some]) => [each, [...some].sort((a, b) => a - b)]));
  const role = which => rows.map(row => {
    const some = ordered.get(name(row));
    return !some.length || at('depth', row) === some[which(some.length)];
  });
  return { first: role(() => 0), middle: role(n => Math.floor((n - 1) / 2)), last: role(n => n - 1) };
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
function saveCsv(columns, names, rows, file) {
  const lines = [names.map(csvCell), ...rows.map(row => names.map(name => csvCell(columns.get(name).values[row])))];
  const text = lines.map(cells => cells.join(',') + '\r\n').join('');
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
  const link = make('a', '', { href: url, download: file });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

const byText = new Intl.Collator('en', { numeric: true }).compare;
function inOrder(x, y, down) { // what is not known stays last
  if (!known(x) || !known(y)) return known(y) - known(x);
  const difference = typeof x === 'number' ? x - y : byText(x, y);
  return down ? -difference : difference;
}
