// The table: sorting, filtering, the row pointed at and the row kept, how a row was made, the download.

// What stands in the table. `sort` gives the value that a row is sorted by, `text` what is shown.
const plainColumn = name => ({
  id: name, label: labelOf(name), number: COLUMNS.get(name).numeric, sort: row => at(name, row), text: row => written(name, at(name, row)),
});
const MADE = ['key', 'verdict_detail', 'source', 'preprocessing', 'software', 'seed'];
const PARTS = ['low', 'high', 'first', 'last', 'alpha_window_min', 'alpha_window_max', 'window', 'intercept'];
const ORDER = ['layer', 'depth', 'alpha', 'interval', 'window', 'verdict', 'images', 'weights', 'family', 'r2', 'windows', 'participation_ratio', 'effective_rank',
  'stable_rank', 'n_90', 'n_stimuli', 'n_neuroids', 'reduce', 'estimator', 'parameters'];
const COMPOSED = {
  interval: { id: 'interval', label: 'interval', number: true, sort: row => at('low', row), text: interval, title: 'sorted by its low end' },
  window: {
    id: 'window', label: 'window', number: true, sort: row => (known(at('first', row)) ? at('first', row) + at('last', row) * 1e-9 : NaN),
    text: row => (at('window', row) === ranks(row) || !ranks(row) ? at('window', row) : `${ranks(row)}${at('window', row) ? ` (${at('window', row)})` : ''}`),
    title: 'ranks of the fit, sorted by the first',
  },
  windows: {
    id: 'windows', label: 'other windows', number: true, sort: row => at('alpha_window_max', row) - at('alpha_window_min', row),
    text: row => (known(at('alpha_window_min', row)) ? `${written('alpha_window_min', at('alpha_window_min', row))} to ${written('alpha_window_max', at('alpha_window_max', row))}` : ''),
    title: 'alpha over other windows, sorted by the width of its range',
  },
};
const EXTRA = [...COLUMNS.keys()].filter(name => name !== 'model' && ![...ORDER, ...MADE, ...PARTS].includes(name) && anyKnown(name));
const SHOWN = [
  plainColumn('model'), { id: 'how', label: 'made', text: () => 'how', sort: null },
  ...ORDER.filter(name => name in COMPOSED || COLUMNS.has(name)).map(name => COMPOSED[name] ?? plainColumn(name)), ...EXTRA.map(plainColumn),
].filter(column => column.id === 'how' || Array.from({ length: N }, (_, row) => column.text(row)).some(text => text !== ''));

const rowId = (() => {
  const seen = new Map();
  return Array.from({ length: N }, (_, row) => {
    const id = `made-${at('key', row).slice(0, 16)}-${at('window', row)}`.replace(/[^\w.-]+/g, '_');
    seen.set(id, (seen.get(id) ?? 0) + 1);
    return seen.get(id) > 1 ? `${id}-${seen.get(id)}` : id;
  });
})();

let order = Array.from({ length: N }, (_, row) => row); // all rows as sorted
let visible = new Set(order);
let sorted = { id: null, down: false };
let current = null, kept = null;
const CHOSEN = ['images', 'window', 'estimator', 'layer'];
const state = { dirty: false };

function makeRow(row) {
  const line = make('tr', undefined, { tabIndex: -1 });
  line.dataset.row = row;
  for (const column of SHOWN) {
    const text = column.text(row);
    const cell = make(column.id === 'model' ? 'th' : 'td', ['how', 'model'].includes(column.id) ? undefined : text);
    if (column.id === 'model') {
      cell.scope = 'row'; // a long name may break after its marks
      cell.append(make('span'));
      cell.firstChild.append(...text.split(/(?<=[:._/-])/).flatMap((part, i) => (i ? [make('wbr'), part] : [part])));
    }
    else if (column.id === 'how') {
      cell.className = 'link';
      cell.append(make('a', 'how', { href: `#${rowId[row]}`, tabIndex: -1, ariaLabel: `how ${named(row)} was made` }));
    } else {
      cell.className = column.number ? 'number' : 'text';
      if (column.id === 'verdict') {
        cell.title = at('verdict_detail', row) || text;
        if (text.startsWith('bends')) cell.classList.add('bends');
        if (text.startsWith('uncertain') || text.startsWith('not fitted')) cell.classList.add('unsure');
      } else if (text.length > 30) cell.title = text;
    }
    line.append(cell);
  }
  return line;
}
const body = $('zoo').tBodies[0];
const elements = order.map(makeRow);

function sortBy(column) {
  sorted = { id: column.id, down: sorted.id === column.id && !sorted.down };
  order = Array.from({ length: N }, (_, row) => row).sort((a, b) => inOrder(column.sort(a), column.sort(b), sorted.down) || a - b);
  body.append(...order.map(row => elements[row]));
  [...$('zoo').tHead.rows[0].cells].forEach((cell, i) => {
    if (SHOWN[i].sort) cell.ariaSort = SHOWN[i].id !== sorted.id ? 'none' : sorted.down ? 'descending' : 'ascending';
  });
}

const HAYSTACK = (() => {
  const names = [...COLUMNS.keys()].filter(name => !COLUMNS.get(name).numeric);
  return order.map(row => names.map(name => at(name, row)).join('\n').toLowerCase());
})();
function filter() {
  const words = $('filter').value.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = CHOSEN.map(name => [name, $(`by-${name}`).value]).filter(([, value]) => value !== '');
  const role = ROLES[$('by-role').value];
  visible = new Set();
  for (let row = 0; row < N; row++) {
    const inside = words.every(word => HAYSTACK[row].includes(word))
      && chosen.every(([name, i]) => at(name, row) === choices[name][i]) && (!role || role[row]);
    elements[row].hidden = !inside;
    if (inside) visible.add(row);
  }
  const rows = shownRows();
  $('count').textContent = `${rows.length} of ${N} rows`;
  const mixed = [['estimator', 'estimators'], ['window', 'windows'], ['images', 'image sets'], ['n_stimuli', 'numbers of stimuli']]
    .map(([name, many]) => [new Set(rows.filter(row => known(at('alpha', row))).map(row => at(name, row)).filter(known)).size, many]).filter(([n]) => n > 1);
  $('mixed').hidden = !mixed.length;
  $('mixed').textContent = `The rows shown mix ${mixed.map(([n, many]) => `${n} ${many}`).join(', ')}: their exponents are not directly comparable.`;
  if (kept !== null && !visible.has(kept)) keep(null);
  if (current === null || !visible.has(current)) point(kept ?? rows[0] ?? null);
  drawFigures();
}
const shownRows = () => order.filter(row => visible.has(row));

function drawFigures() {
  const rows = shownRows();
  drawDepth(rows);
  drawScatter(rows, $('against').value, $('log').checked);
  drawTasks(rows);
  drawNoise(rows);
  drawSweep(rows);
  mark();
}
function mark() {
  markFigures(kept, current, visible, $('against').value);
  markTasks(kept, current, visible);
  markNoise(kept, current, visible);
  markScores(kept, current);
}

function describe(row, isKept) {
  const line = make('p', undefined, { className: isKept ? 'kept' : '' });
  const fit = known(at('alpha', row)) ? `alpha ${written('alpha', at('alpha', row))}${interval(row) ? ` [${interval(row)}]` : ''}${ranks(row) ? `, ranks ${ranks(row)}` : ''}` : '';
  const hidden = spectrumOf(row)?.hidden ?? 0;
  const said = [fit, at('verdict', row), at('verdict_detail', row), hidden ? `${hidden} eigenvalues at or below zero are not drawn` : ''].filter(Boolean).join('; ');
  line.append(make('strong', named(row)), make('br'), said);
  return line;
}
let waiting = 0;
function show() { // once a frame, however fast the pointer goes; the other figures when it rests
  state.dirty || requestAnimationFrame(() => {
    state.dirty = false;
    const target = $('spectrum-of');
    target.replaceChildren(...[current, kept].filter((row, i, all) => row !== null && all.indexOf(row) === i).map(row => describe(row, row === kept)));
    $('spectrum').dataset.key = current === null ? '' : at('key', current);
    drawSpectrum(current, kept);
    clearTimeout(waiting);
    waiting = setTimeout(mark, 80);
  });
  state.dirty = true;
}
function point(row) {
  if (row === current) return;
  if (current !== null) {
    elements[current].classList.remove('current');
    elements[current].tabIndex = -1;
  }
  current = row;
  if (row !== null) {
    elements[row].classList.add('current');
    elements[row].tabIndex = 0; // one row is in the tab order, arrows go on from it
  }
  show();
}
function keep(row) {
  if (kept !== null) elements[kept].classList.remove('kept');
  kept = row;
  if (row !== null) elements[row].classList.add('kept');
  show();
}
function showMade(row) {
  const attrs = spectrumOf(row)?.attrs ?? {};
  $('made-none').hidden = true;
  $('made-back').hidden = false;
  $('made-of').textContent = named(row);
  const facts = [['alpha', describe(row).textContent.slice(named(row).length)], ['source of the weights', at('source', row)]];
  const first = ['weights', 'reduce', 'estimator', 'window', 'n_stimuli', 'n_neuroids', 'seed', 'software', 'key'];
  for (const name of first) if (COLUMNS.has(name)) facts.push([labelOf(name), written(name, at(name, row))]);
  const told = new Set([...first, 'source', 'preprocessing', 'model', 'layer', 'identifier']);
  for (const [name, value] of Object.entries(attrs)) {
    if (!told.has(name) || (first.includes(name) && !known(at(name, row) ?? ''))) facts.push([name.replaceAll('_', ' '), value]);
  }
  const list = $('made-list');
  list.replaceChildren();
  for (const [name, value] of facts) if (value !== '') list.append(make('dt', name), make('dd', value));
  const steps = make('dd');
  list.append(make('dt', 'preprocessing'), steps);
  const given = at('preprocessing', row) || attrs.preprocessing || '';
  try {
    const items = JSON.parse(given).map(({ step, ...rest }) => `${step}: ${Object.entries(rest).map(([k, v]) => `${k} ${typeof v === 'string' ? v : JSON.stringify(v)}`).join(', ')}`.replace(/: $/, ''));
    steps.append(make('ol'));
    steps.firstChild.append(...items.map(item => make('li', item)));
  } catch {
    steps.textContent = given || 'none recorded';
  }
}
function followHash() {
  const row = rowId.indexOf(decodeURIComponent(location.hash.slice(1)));
  if (row < 0) return;
  point(row);
  showMade(row);
  $('made').focus({ preventScroll: true });
  $('made').scrollIntoView();
}

// Rows
const rowOf = event => {
  const line = event.target.closest('tbody tr');
  return line ? Number(line.dataset.row) : null;
};
body.addEventListener('mouseover', event => rowOf(event) !== null && point(rowOf(event)));
body.addEventListener('focusin', event => rowOf(event) !== null && point(rowOf(event)));
body.addEventListener('mouseleave', () => kept !== null && point(kept));
body.addEventListener('click', event => {
  if (event.target.closest('a')) return;
  const row = rowOf(event);
  if (row === null) return;
  point(row);
  keep(row === kept ? null : row);
});
body.addEventListener('keydown', event => {
  const row = rowOf(event);
  if (row === null || event.ctrlKey || event.altKey || event.metaKey) return;
  const rows = shownRows();
  const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
  if (event.key in steps) elements[rows[Math.min(Math.max(rows.indexOf(row) + steps[event.key], 0), rows.length - 1)]].focus();
  else if (event.key === 'Enter' && !event.target.closest('a')) keep(row === kept ? null : row);
  else if (event.key === 'Escape') keep(null);
  else if (event.key === 'h' || event.key === 'H') location.hash = rowId[row];
  else return;
  event.preventDefault();
});
document.addEventListener('click', event => { // the same link again: its address does not change
  if (event.target.closest('td.link a')?.hash === location.hash) followHash();
});
window.addEventListener('hashchange', followHash);

// Head, choices, columns
const head = $('zoo').tHead.insertRow();
for (const column of SHOWN) {
  const cell = make('th', undefined, { scope: 'col', className: column.id === 'how' ? 'link' : column.number ? 'number' : '' });
  if (column.sort) {
    const button = make('button', column.label, { type: 'button', title: column.title ?? '' });
    button.addEventListener('click', () => sortBy(column)); // the figures hold the same rows
    cell.ariaSort = 'none';
    cell.append(button);
  } else cell.append(make('span', column.label, { className: 'head' }));
  head.append(cell);
}
body.append(...elements);
const choices = {};
const MOST_LAYERS = 24; // names to choose from; models of many kinds share hardly any
for (const name of CHOSEN) {
  choices[name] = [...new Set(COLUMNS.get(name).values)].sort(byText);
  const select = $(`by-${name}`);
  select.append(make('option', 'all', { value: '' }), ...choices[name].map((text, i) => make('option', text || '(none)', { value: String(i) })));
  select.parentElement.hidden = choices[name].length < 2 || (name === 'layer' && choices[name].length > MOST_LAYERS);
}
const hiding = document.head.appendChild(document.createElement('style'));
const MANY = 8; // further columns that stand in the table without being asked for
const accuracies = EXTRA.filter(name => /(^|[\s_-])(top.?1|acc|accuracy)$/i.test(name)).sort((a, b) => a.length - b.length);
const asked = [...(DATA.sweep?.settings ?? []).map(each => each.name), ...accuracies]; // a sweep is read by its settings
const unasked = EXTRA.length > MANY ? asked.slice(0, MANY) : EXTRA;
const isHidden = SHOWN.map(column => EXTRA.includes(column.id) && !unasked.includes(column.id));
function hideColumns() {
  hiding.textContent = isHidden.map((hidden, i) => (hidden ? `#zoo tr > :nth-child(${i + 1}) { display: none; }` : '')).join('\n');
}
SHOWN.forEach((column, i) => {
  if (i === 0) return;
  const box = make('input', undefined, { type: 'checkbox', checked: !isHidden[i] });
  box.addEventListener('change', () => {
    isHidden[i] = !box.checked;
    hideColumns();
  });
  const label = make('label');
  label.append(box, ` ${column.label}`);
  $('columns').append(label);
});
hideColumns();

const NOT_AGAINST = ['seed', 'low', 'high', 'first', 'last', 'intercept', ...TARGETS.flatMap(each => [each.low, each.high])];
const against = [...COLUMNS.keys()].filter(name => COLUMNS.get(name).numeric && name !== 'alpha' && !NOT_AGAINST.includes(name) && anyKnown(name));
if (!against.length) against.push('alpha');
$('against').append(...against.map(name => make('option', labelOf(name), { value: name })));
const offered = accuracies.filter(name => against.includes(name) && !isTarget(name)); // a target has a figure of its own
$('against').value = offered.find(name => name === 'results-imagenet top1') ?? offered[0] ?? against.find(name => name === 'participation_ratio') ?? against[0];
function suggestLog() {
  const values = COLUMNS.get($('against').value).values.filter(Number.isFinite);
  const least = values.reduce((a, b) => Math.min(a, b), Infinity), most = values.reduce((a, b) => Math.max(a, b), -Infinity);
  $('log').disabled = least <= 0;
  $('log').checked = least > 0 && most / least >= 100;
}
$('against').addEventListener('change', () => {
  suggestLog();
  drawFigures();
});
$('log').addEventListener('change', drawFigures);
for (const id of ['target', 'noise-kind', 'noise-measure']) $(id)?.addEventListener('change', drawFigures);
let typing = 0;
$('filter').addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(filter, 120);
});
$('controls').addEventListener('change', event => event.target.id !== 'filter' && filter());
$('controls').addEventListener('submit', event => event.preventDefault());
$('download').addEventListener('click', () => saveCsv(COLUMNS, DATA.table.given, shownRows(), 'zoo.csv'));

suggestLog();
filter();
for (const id of ['depth', 'scatter', 'tasks', 'noise', 'scores', 'grid']) {
  $(id)?.on?.('plotly_click', event => {
    const row = event.points[0].customdata;
    if (typeof row !== 'number') return;
    point(row);
    keep(row);
    elements[row].scrollIntoView({ block: 'nearest' });
  });
}
followHash();
document.documentElement.dataset.ready = 'yes';
