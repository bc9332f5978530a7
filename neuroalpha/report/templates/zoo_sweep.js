// A sweep: accuracy against every score, a value over the grid of two settings. Marks have the colour and shape of their
// objective, as in the printed figures; blue rings the row pointed at, orange the row kept, black the best model.

const SWEEP = DATA.sweep;
const COLLAPSED = new Set(SWEEP?.collapsed ?? []);
const lookOf = row => {
  const name = SWEEP.group ? at(SWEEP.group, row) : '';
  return Object.hasOwn(SWEEP.looks, name) ? SWEEP.looks[name] : { colour: UNKNOWN, mark: 'circle' };
};
const groupOf = row => (SWEEP.group ? at(SWEEP.group, row) : '');
const SPAN = 50; // a positive score that spans this factor gets a logarithmic axis
const MOST_CELLS = 14; // values of a setting up to which the grid has a cell for each
const spans = values => values.length > 0 && Math.min(...values) > 0 && Math.max(...values) > SPAN * Math.min(...values);

// Legends are of the page, not of the figures: on a phone a figure has no room for them.
const SHAPE_PATHS = {
  circle: 'M8 3a5 5 0 1 0 .01 0z', square: 'M3.5 3.5h9v9h-9z', 'triangle-up': 'M8 2.5l5.5 10h-11z', diamond: 'M8 2l6 6-6 6-6-6z',
  'triangle-down': 'M8 13.5l5.5-10h-11z', cross: 'M6 2.5h4v3.5h3.5v4H10v3.5H6V10H2.5V6H6z', x: 'M4.5 2.5L8 6l3.5-3.5 2 2L10 8l3.5 3.5-2 2L8 10l-3.5 3.5-2-2L6 8 2.5 4.5z',
  hexagon: 'M5 2.8h6l3 5.2-3 5.2H5L2 8z', 'triangle-left': 'M2.5 8l10-5.5v11z', pentagon: 'M8 2l6 4.4-2.3 7H4.3L2 6.4z',
  star: 'M8 1.5l1.9 4.4 4.8.4-3.6 3.1 1.1 4.7L8 11.6l-4.2 2.5 1.1-4.7L1.3 6.3l4.8-.4z', 'triangle-right': 'M13.5 8l-10-5.5v11z', line: 'M0 7h16v2H0z', ring: '',
};
const DASHES = { solid: '', dash: '5 3', dot: '2 2', dashdot: '6 2 2 2' };
const SVG = make('div', undefined, { innerHTML: '<svg></svg>' }).firstChild.namespaceURI;
function drawn(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
function legend(list, items) { // of {label, colour, mark, dash, open}
  list.replaceChildren(...items.map(({ label, colour, mark, dash, open }) => {
    const item = make('li'), wide = dash ? 34 : 16;
    const picture = drawn('svg', { width: wide, height: 16, viewBox: `0 0 ${wide} 16`, 'aria-hidden': 'true' });
    if (dash) picture.append(drawn('line', { x1: 0, x2: 34, y1: 8, y2: 8, stroke: colour, 'stroke-width': 2, 'stroke-dasharray': DASHES[dash] ?? '' }));
    if (mark === 'ring') picture.append(drawn('circle', { cx: 8, cy: 8, r: 6, fill: 'none', stroke: colour, 'stroke-width': 1.6 }));
    else if (mark) picture.append(drawn('path', { d: SHAPE_PATHS[mark] ?? SHAPE_PATHS.circle, transform: dash ? 'translate(9 0)' : '', fill: open ? '#fff' : colour, stroke: colour, 'stroke-width': open ? 1.4 : 0 }));
    item.append(picture, ` ${label}`);
    return item;
  }));
}

const options = items => items.map(({ name, label }) => make('option', label, { value: name }));
let sweepShown = []; // one row for each model: those drawn
if (SWEEP) {
  $('sweep-layer').append(...SWEEP.layers.map(name => make('option', name || '(none)', { value: name })));
  $('sweep-layer').value = SWEEP.layer;
  $('sweep-layer').parentElement.hidden = SWEEP.layers.length < 2;
  $('sweep-accuracy')?.append(...options(SWEEP.accuracies));
  const values = [...SWEEP.accuracies, ...SWEEP.scores];
  $('grid-value').append(...options(values));
  for (const id of ['grid-x', 'grid-y']) $(id).append(...options(SWEEP.settings));
  const filled = name => COLUMNS.get(name).values.filter(known).length;
  const best = SWEEP.settings.map(each => each.name).filter(name => name !== SWEEP.group).sort((a, b) => filled(b) - filled(a));
  if (best.length < 2) best.push(...SWEEP.settings.map(each => each.name).filter(name => !best.includes(name)));
  $('grid-x').value = best[0];
  $('grid-y').value = best[1] ?? best[0];
  const groups = Object.keys(SWEEP.looks);
  $('grid-group').append(make('option', 'all (mean)', { value: '' }), ...groups.map((name, i) => make('option', name || '(none)', { value: String(i) })));
  $('grid-group').parentElement.hidden = groups.length < 2;
}

function modelsOf(rows) { // one row for each model and image set, of one layer
  const above = $('by-layer').value;
  const layer = above === '' ? $('sweep-layer').value : choices.layer[above];
  $('sweep-layer').disabled = above !== '';
  if (above !== '' && SWEEP.layers.includes(layer)) $('sweep-layer').value = layer;
  const ofLayer = rows.filter(row => at('layer', row) === layer), seen = new Set();
  const some = ofLayer.filter(row => {
    const name = JSON.stringify([at('model', row), at('weights', row), at('images', row)]);
    return !seen.has(name) && seen.add(name);
  });
  const gone = some.filter(row => COLLAPSED.has(row)).length;
  $('sweep-count').textContent = `${some.length} model${some.length === 1 ? '' : 's'}${gone ? `, ${gone} of them collapsed` : ''}`
    + (ofLayer.length > some.length ? '; of several rows of one model the first in the table is drawn' : '');
  return some;
}

function within(x, y, groups) { // Spearman's correlation of ranks less the mean rank of their group
  const a = averagedRanks(x), b = averagedRanks(y);
  let ab = 0, aa = 0, bb = 0;
  for (const group of new Set(groups)) {
    const some = a.map((_, i) => i).filter(i => groups[i] === group);
    const [p, q] = [a, b].map(ranks => some.reduce((sum, i) => sum + ranks[i], 0) / some.length);
    for (const i of some) {
      ab += (a[i] - p) * (b[i] - q);
      aa += (a[i] - p) ** 2;
      bb += (b[i] - q) ** 2;
    }
  }
  return aa * bb > 1e-9 ? ab / Math.sqrt(aa * bb) : NaN;
}

function drawScores(rows) {
  const figure = $('scores');
  if (!figure) return;
  const accuracy = $('sweep-accuracy').value;
  sweepShown = rows.filter(row => known(at(accuracy, row)));
  const panels = SWEEP.scores.filter(({ name }) => sweepShown.some(row => known(at(name, row))));
  if (!panels.length) {
    figure.style.height = '';
    return Plotly.react(figure, [], layout(empty('no model shown has an accuracy and a score')), CONFIG);
  }
  const width = figure.clientWidth || 800, wide = Math.min(panels.length, width < 480 ? 2 : width < 760 ? 3 : width < 1150 ? 4 : 5);
  const tall = Math.ceil(panels.length / wide), height = tall * 215 + 40;
  const traces = [], annotations = [], axes = {}, shapes = [];
  const top = Math.max(...sweepShown.map(row => at(accuracy, row))), least = Math.min(...sweepShown.map(row => at(accuracy, row)));
  const room = (top - least) * 0.08 || 0.05, gap = width < 480 ? 0.05 : 0.025;
  panels.forEach(({ name, label }, i) => {
    const n = i ? String(i + 1) : '', place = i % wide, line = Math.floor(i / wide);
    const left = place / wide, right = (place + 1) / wide - gap, up = 1 - line / tall - 34 / height, down = 1 - (line + 1) / tall + 46 / height;
    const some = sweepShown.filter(row => known(at(name, row)));
    const x = some.map(row => at(name, row)), y = some.map(row => at(accuracy, row));
    const log = spans(x);
    axes[`xaxis${n}`] = axis('', { domain: [left, right], anchor: `y${n}`, type: log ? 'log' : 'linear', tickfont: { size: 11 }, nticks: 5, automargin: false, ...(log ? { dtick: 1, exponentformat: 'power' } : {}) });
    axes[`yaxis${n}`] = axis('', { domain: [down, up], anchor: `x${n}`, range: [least - room, top + 2 * room], showticklabels: place === 0, tickfont: { size: 11 }, nticks: 5 });
    traces.push({
      x, y, xaxis: `x${n}`, yaxis: `y${n}`, customdata: some, mode: 'markers', hoverinfo: 'text', name,
      text: some.map(row => `${plain(at('model', row))}<br>${plain(groupOf(row))}${COLLAPSED.has(row) ? ', collapsed' : ''}<br>${plain(label)} ${written(name, at(name, row))}<br>${plain(accuracy)} ${written(accuracy, at(accuracy, row))}`),
      marker: { size: 7, opacity: 0.85, color: some.map(row => lookOf(row).colour), symbol: some.map(row => lookOf(row).mark + (COLLAPSED.has(row) ? '-open' : '')) },
    });
    const best = y.indexOf(Math.max(...y));
    traces.push({ x: [x[best]], y: [y[best]], xaxis: `x${n}`, yaxis: `y${n}`, mode: 'markers', hoverinfo: 'skip', marker: { size: 15, color: '#000', symbol: 'circle-open', line: { width: 1.5 } } });
    for (const color of [KEPT, CURRENT]) traces.push({ x: [], y: [], xaxis: `x${n}`, yaxis: `y${n}`, mode: 'markers', hoverinfo: 'skip', marker: { size: 14, color, symbol: 'circle-open', line: { width: 3 } } });
    const all = some.length > 2 ? spearman(x, y) : NaN, inside = within(x, y, some.map(groupOf));
    const several = new Set(some.map(groupOf)).size > 1 && Number.isFinite(inside);
    const told = Number.isFinite(all) ? `ρ ${signed2(all)}${several ? `, within ${signed2(inside)}` : ''}` : 'ρ not defined';
    annotations.push({ text: `<b>${plain(label)}</b> (${some.length})<br>${told}`, showarrow: false, xref: 'paper', yref: 'paper', x: (left + right) / 2, y: up, xanchor: 'center', yanchor: 'bottom', font: { size: width < 480 ? 10.5 : 12 } });
    if (name === 'alpha') shapes.push({ ...AT_ONE, xref: `x${n}`, yref: `y${n} domain`, line: { color: '#000', width: 1, dash: 'dot' } });
  });
  figure.style.height = `${height}px`;
  figure.dataset.panels = String(panels.length);
  Plotly.react(figure, traces, layout({ ...axes, annotations, shapes, height, margin: { l: 42, r: 8, t: 30, b: 4 }, showlegend: false }), CONFIG);
  const present = new Set(sweepShown.map(groupOf));
  const groups = Object.entries(SWEEP.looks).filter(([name]) => name && present.has(name));
  legend($('scores-legend'), [
    ...groups.map(([label, look]) => ({ label, ...look })), { label: 'best model', mark: 'ring', colour: '#000' },
    ...(sweepShown.some(row => COLLAPSED.has(row)) ? [{ label: 'collapsed', mark: 'circle', colour: '#666', open: true }] : []),
  ]);
}
const signed2 = value => value.toFixed(2).replace('-', '−');

function markScores(kept, current) {
  const figure = $('scores');
  if (!SWEEP || !figure?.data?.length) return;
  const accuracy = $('sweep-accuracy').value;
  // The row pointed at may be of another layer or window: its model is marked.
  const ofModel = row => sweepShown.find(each => ['model', 'weights', 'images'].every(name => at(name, each) === at(name, row)));
  const rows = [kept, current].map(row => (row === null ? undefined : ofModel(row)));
  const places = [], x = [], y = [];
  figure.data.forEach((trace, i) => {
    if (trace.customdata === undefined) return;
    rows.forEach((row, k) => {
      const dot = row !== undefined && known(at(trace.name, row)) ? [row] : [];
      places.push(i + 2 + k);
      x.push(dot.map(each => at(trace.name, each)));
      y.push(dot.map(each => at(accuracy, each)));
    });
  });
  Plotly.restyle(figure, { x, y }, places);
}

function cellsOf(rows, x, y, value) { // "x, y" -> {sum, n, all}
  const cells = new Map();
  for (const row of rows) {
    const name = JSON.stringify([at(x, row), at(y, row)]);
    const cell = cells.get(name) ?? { sum: 0, n: 0, all: 0, fallen: 0 };
    cells.set(name, cell);
    cell.all += 1;
    cell.fallen += COLLAPSED.has(row);
    if (known(at(value, row))) { cell.sum += at(value, row); cell.n += 1; }
  }
  return cells;
}
function drawGrid(rows) {
  if (!SWEEP) return;
  const figure = $('grid'), note = $('grid-note');
  const [x, y, value] = ['grid-x', 'grid-y', 'grid-value'].map(id => $(id).value);
  const labelOfSetting = name => plain(SWEEP.settings.find(each => each.name === name).label);
  note.textContent = '';
  $('grid-group').disabled = x === SWEEP.group || y === SWEEP.group;
  const group = $('grid-group').value === '' || $('grid-group').disabled ? null : Object.keys(SWEEP.looks)[$('grid-group').value];
  const placed = rows.filter(row => known(at(x, row)) && known(at(y, row)));
  const some = placed.filter(row => group === null || groupOf(row) === group);
  const message = x === y ? 'choose two settings' : !some.some(row => known(at(value, row))) ? 'no model shown has both settings and a value' : '';
  if (message) return Plotly.react(figure, [], layout(empty(message)), CONFIG);
  const valuesOf = name => [...new Set(placed.map(row => at(name, row)))].sort((a, b) => inOrder(a, b));
  const [xs, ys] = [valuesOf(x), valuesOf(y)];
  const fine = name => COLUMNS.get(name).numeric && (name === x ? xs : ys).length > MOST_CELLS;
  const groups = group === null ? [placed] : Object.keys(SWEEP.looks).map(name => placed.filter(row => groupOf(row) === name));
  const bar = { title: { text: plain(label_(value)), side: 'right' }, thickness: 12, outlinewidth: 0 };
  if (fine(x) || fine(y)) {
    const own = placed.filter(row => known(at(value, row)));
    const [low, high] = rangeOf(own.map(row => [at(value, row), COLLAPSED.has(row)]));
    const shown = some.filter(row => known(at(value, row)));
    const side = (name, values) => axis(labelOfSetting(name), !fine(name) ? { type: 'category', categoryorder: 'array', categoryarray: values.map(String) } : { type: spans(values) ? 'log' : 'linear' });
    const place = (name, row) => (fine(name) ? at(name, row) : String(at(name, row)));
    note.textContent = 'Too many values of a setting for a grid: one mark for each model.';
    return Plotly.react(figure, [{
      x: shown.map(row => place(x, row)), y: shown.map(row => place(y, row)), customdata: shown, mode: 'markers', hoverinfo: 'text',
      text: shown.map(row => `${plain(at('model', row))}<br>${labelOfSetting(x)} ${plain(written(x, at(x, row)))}, ${labelOfSetting(y)} ${plain(written(y, at(y, row)))}<br>${plain(label_(value))} ${written(value, at(value, row))}`),
      marker: { size: 11, color: shown.map(row => at(value, row)), cmin: low, cmax: high, colorscale: 'Viridis', showscale: true, colorbar: bar, line: { color: '#444', width: 0.5 } },
    }], layout({ xaxis: side(x, xs), yaxis: side(y, ys) }), CONFIG);
  }
  const means = groups.flatMap(each => [...cellsOf(each, x, y, value).values()]).filter(cell => cell.n).map(cell => [cell.sum / cell.n, cell.fallen === cell.all]);
  const [low, high] = rangeOf(means);
  const cells = cellsOf(some, x, y, value);
  const cell = (a, b) => cells.get(JSON.stringify([a, b]));
  const z = ys.map(b => xs.map(a => (cell(a, b)?.n ? cell(a, b).sum / cell(a, b).n : null)));
  const text = ys.map((b, i) => xs.map((a, k) => (z[i][k] === null ? '' : shortly(z[i][k]))));
  const hover = ys.map((b, i) => xs.map((a, k) => `${labelOfSetting(x)} ${plain(String(a))}, ${labelOfSetting(y)} ${plain(String(b))}<br>${plain(label_(value))} ${text[i][k]}${cell(a, b) ? ` (${cell(a, b).n} of ${cell(a, b).all} model${cell(a, b).all === 1 ? '' : 's'})` : ''}`));
  const crosses = ys.flatMap(b => xs.filter(a => cell(a, b) && !cell(a, b).n).map(a => ({ x: String(a), y: String(b), text: '×', showarrow: false, font: { size: 18, color: '#7a1f00' } })));
  const most = Math.max(...[...cells.values()].map(each => each.all));
  note.textContent = `${most > 1 ? `A cell is the mean of up to ${most} models. ` : ''}Grey: no such model.${crosses.length ? ' ×: models without the value.' : ''}`;
  const written_ = figure.clientWidth / xs.length > 46;
  const side = (name, values) => axis(labelOfSetting(name), { type: 'category', categoryorder: 'array', categoryarray: values.map(String), showgrid: false });
  Plotly.react(figure, [{
    type: 'heatmap', x: xs.map(String), y: ys.map(String), z, text, hovertext: hover, hoverinfo: 'text', hoverongaps: false, zmin: low, zmax: high, colorscale: 'Viridis',
    colorbar: bar, xgap: 1, ygap: 1, ...(written_ ? { texttemplate: '%{text}' } : {}),
  }], layout({ plot_bgcolor: '#ececec', annotations: crosses, xaxis: side(x, xs), yaxis: side(y, ys) }), CONFIG);
}
const label_ = name => [...SWEEP.accuracies, ...SWEEP.scores].find(each => each.name === name)?.label ?? name;
const shortly = value => value.toFixed([1, 10, 1000].reduce((digits, most) => digits - (Math.abs(value) >= most), 3));
function rangeOf(pairs) { // of values of what has not collapsed, which would take up most of the scale
  const kept = pairs.filter(([, fallen]) => !fallen), values = (kept.length ? kept : pairs).map(([value]) => value);
  const low = Math.min(...values), high = Math.max(...values);
  return high - low > 1e-9 ? [low, high] : [low - 0.05, high + 0.05];
}

function drawSweep(rows) {
  if (!SWEEP) return;
  const some = modelsOf(rows);
  drawScores(some);
  drawGrid(some);
}
for (const id of ['sweep-layer', 'sweep-accuracy', 'grid-x', 'grid-y', 'grid-value', 'grid-group']) $(id)?.addEventListener('change', () => drawFigures());
for (const id of ['sweep-controls', 'grid-controls', 'rule-controls']) $(id)?.addEventListener('submit', event => event.preventDefault());
let sweepWidth = 0;
if (SWEEP && $('scores')) {
  new ResizeObserver(([{ contentRect }]) => { // how many panels stand in a row depends on the width
    if (Math.abs(contentRect.width - sweepWidth) < 40) return;
    const first = sweepWidth === 0;
    sweepWidth = contentRect.width;
    if (!first && document.documentElement.dataset.ready) { drawScores(modelsOf(shownRows())); mark(); }
  }).observe($('scores').parentElement);
}
