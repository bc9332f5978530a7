// The three figures. Blue is the row pointed at, orange the row kept; all other marks take their image set's colour.

const CURRENT = '#0072B2', KEPT = '#D55E00';
const OTHERS = ['#5F5F5F', '#009E73', '#CC79A7', '#8C6D31', '#56B4E9', '#E69F00'];
const IMAGES = [...new Set(COLUMNS.get('images').values)];
const colourOf = images => OTHERS[IMAGES.indexOf(images) % OTHERS.length];
const FEW = 150; // points that can have an interval each without hiding one another

const CONFIG = { displaylogo: false, responsive: true, toImageButtonOptions: { format: 'svg' }, modeBarButtonsToRemove: ['lasso2d', 'select2d'] };
const axis = (text, more) => ({ title: { text }, gridcolor: '#e4e4e4', linecolor: '#888', zeroline: false, automargin: true, ...more });
const layout = more => ({
  font: { family: 'system-ui, sans-serif', size: 13, color: '#1a1a1a' }, paper_bgcolor: '#fff', plot_bgcolor: '#fff',
  margin: { l: 55, r: 24, t: 12, b: 50 }, hovermode: 'closest', showlegend: false, hoverlabel: { align: 'left' },
  legend: { orientation: 'h', y: 1.02, yanchor: 'bottom', x: 0, font: { size: 12 } }, ...more,
});
const ONE = { type: 'line', xref: 'paper', x0: 0, x1: 1, yref: 'y', y0: 1, y1: 1, line: { color: '#000', width: 1, dash: 'dot' } };
const empty = text => ({
  xaxis: { visible: false }, yaxis: { visible: false }, shapes: [],
  annotations: [{ text, showarrow: false, xref: 'paper', yref: 'paper', x: 0.5, y: 0.5, font: { size: 14 } }],
});
const positive = values => values.map(v => (v > 0 && Number.isFinite(v) ? v : null));
function hoverText(row, name) {
  const more = name && name !== 'alpha' ? `<br>${plain(labelOf(name))} ${written(name, at(name, row))}` : '';
  return `${plain(at('model', row))}<br>${plain(at('layer', row))} · ${plain(at('images', row))}<br>alpha ${written('alpha', at('alpha', row))} `
    + (interval(row) ? `[${interval(row)}]` : '') + `, ${plain(at('window', row))}${more}`;
}

function spectrumTraces(row, colour) {
  const s = spectrumOf(row);
  if (s === null) return [];
  const traces = [];
  if (s.low !== null) {
    const inside = s.rank.map((_, i) => i).filter(i => s.high[i] > 0);
    const least = Math.min(...s.share.filter(v => v > 0)) / 10;
    traces.push({
      x: [...inside.map(i => s.rank[i]), ...inside.map(i => s.rank[i]).reverse()],
      y: [...inside.map(i => s.high[i]), ...inside.map(i => Math.max(s.low[i], least)).reverse()],
      fill: 'toself', fillcolor: colour, opacity: 0.2, line: { width: 0 }, mode: 'lines', hoverinfo: 'skip', name: 'band',
    });
  }
  traces.push({
    x: s.rank, y: positive(s.share), mode: s.rank.length > 60 ? 'lines' : 'lines+markers', line: { color: colour, width: 1.8 },
    marker: { size: 4, color: colour }, name: 'spectrum', hovertemplate: 'rank %{x}<br>%{y:.3g}<extra></extra>',
  });
  const height = DATA.table.heights[row];
  if (height !== null) {
    const ends = [at('first', row), at('last', row)];
    traces.push({
      x: ends, y: ends.map(rank => Math.exp(height - at('alpha', row) * Math.log(rank))), mode: 'lines',
      line: { color: '#000', width: 2, dash: 'dash' }, name: 'fit', hoverinfo: 'skip',
    });
  }
  return traces;
}

function drawSpectrum(current, kept) {
  const rows = [kept, current].filter((row, i, all) => row !== null && all.indexOf(row) === i);
  const traces = rows.flatMap(row => spectrumTraces(row, row === kept ? KEPT : CURRENT));
  const target = document.getElementById('spectrum');
  if (!traces.length) return Plotly.react(target, [], layout(empty('no spectrum was kept for this row')), CONFIG);
  const shapes = rows.slice(-1).filter(row => DATA.table.heights[row] !== null).map(row => ({
    type: 'rect', xref: 'x', x0: at('first', row), x1: at('last', row), yref: 'paper', y0: 0, y1: 1, layer: 'below',
    fillcolor: '#000', opacity: 0.06, line: { width: 0 },
  }));
  // Where rank runs out eigenvalues fall to rounding; the figure is for what the fits describe.
  const drawn = name => traces.filter(t => t.name === name).flatMap(t => t.y).filter(v => v > 0);
  const top = Math.max(...drawn('spectrum'), ...drawn('fit'));
  const fits = drawn('fit');
  const bottom = fits.length ? Math.min(...fits) / 100 : top * 1e-7;
  const least = Math.min(...drawn('spectrum'));
  const scaled = rows.every(row => spectrumOf(row)?.scaled ?? true);
  const most = Math.max(...rows.map(row => spectrumOf(row)?.n ?? 1), 2);
  Plotly.react(target, traces, layout({
    shapes, hovermode: 'closest',
    xaxis: axis('rank', { type: 'log', dtick: 1, tickformat: ',d', range: [-0.05, Math.log10(most) + 0.05] }),
    yaxis: axis(scaled ? 'share of total variance' : 'eigenvalue', {
      type: 'log', exponentformat: 'power', dtick: 1, range: [Math.log10(Math.max(bottom, least)) - 0.2, Math.log10(top) + 0.2],
    }),
  }), CONFIG);
}

const LINE_OF = ['model', 'weights', 'images', 'estimator', 'window']; // not reduced by: a pooled network ends in layers with nothing to pool
const lineOf = row => JSON.stringify(LINE_OF.map(name => at(name, row)));
const drawable = row => Number.isFinite(at('depth', row));
const byDepth = rows => [...rows].sort((a, b) => at('depth', a) - at('depth', b));
let lines = new Map();
function points(rows) {
  return { x: rows.map(r => at('depth', r)), y: rows.map(r => (known(at('alpha', r)) ? at('alpha', r) : null)), text: rows.map(r => hoverText(r)), customdata: rows };
}
function joined(many) { // lines of one colour in one trace, with a gap between: hundreds of traces would be slow
  const result = { x: [], y: [], text: [], customdata: [] };
  for (const rows of many) {
    for (const [name, values] of Object.entries(points(rows))) result[name].push(...values, name === 'text' ? '' : null);
  }
  return result;
}
function fewestNames(rows) { // the first columns that tell lines apart
  const naming = [];
  let told = 1;
  for (const name of LINE_OF) {
    const now = new Set(rows.map(row => JSON.stringify([...naming, name].map(each => at(each, row))))).size;
    if (now > told || name === 'model') naming.push(name);
    told = now;
  }
  return naming;
}
function drawDepth(rows) {
  lines = new Map();
  for (const row of byDepth(rows.filter(drawable))) {
    if (!lines.has(lineOf(row))) lines.set(lineOf(row), []);
    lines.get(lineOf(row)).push(row);
  }
  const target = document.getElementById('depth');
  const style = { mode: 'lines+markers', hoverinfo: 'text', connectgaps: false };
  let traces = [];
  if (lines.size <= OTHERS.length) {
    const naming = fewestNames([...lines.values()].map(rows => rows[0]));
    traces = [...lines.values()].map((each, i) => ({
      ...style, ...points(each), line: { color: OTHERS[i], width: 1.5 }, marker: { color: OTHERS[i], size: 5 },
      name: plain(naming.map(name => at(name, each[0])).join(' · ')),
    }));
  } else {
    traces = IMAGES.map(images => [images, [...lines.values()].filter(each => at('images', each[0]) === images)])
      .filter(([, many]) => many.length).map(([images, many]) => ({
        ...style, ...joined(many), line: { color: colourOf(images), width: 1 }, marker: { color: colourOf(images), size: 3.5 },
        opacity: 0.4, name: plain(images),
      }));
  }
  if (!traces.length) return Plotly.react(target, [], layout(empty('no row shown has a depth')), CONFIG);
  const many = traces.length > 1;
  for (const colour of [KEPT, CURRENT]) {
    traces.push({ x: [], y: [], mode: 'lines+markers', line: { color: colour, width: 3 }, marker: { color: colour, size: [] }, hoverinfo: 'skip', showlegend: false });
  }
  Plotly.react(target, traces, layout({
    shapes: [ONE], showlegend: many, xaxis: axis('depth in the network', { range: [-0.03, 1.03] }), yaxis: axis('alpha'),
  }), CONFIG);
}

function drawScatter(rows, name, log) {
  const target = document.getElementById('scatter');
  const shown = rows.filter(row => known(at(name, row)) && known(at('alpha', row)));
  const x = shown.map(row => at(name, row)), y = shown.map(row => at('alpha', row));
  const rho = shown.length > 2 ? spearman(x, y) : NaN;
  const models = new Set(shown.map(row => at('model', row))).size;
  const said = document.getElementById('spearman');
  said.dataset.rho = String(rho);
  said.dataset.n = String(shown.length);
  said.textContent = `Spearman correlation ${Number.isFinite(rho) ? rho.toFixed(3).replace('-', '−') : 'not defined'}, n = ${shown.length} row${shown.length === 1 ? '' : 's'} of ${models} model${models === 1 ? '' : 's'} with both numbers.`;
  if (!shown.length) return Plotly.react(target, [], layout(empty('no row shown has both numbers')), CONFIG);
  const traces = IMAGES.map(images => [images, shown.filter(row => at('images', row) === images)]).filter(([, some]) => some.length).map(([images, some]) => ({
    x: some.map(row => at(name, row)), y: some.map(row => at('alpha', row)), text: some.map(row => hoverText(row, name)), customdata: some,
    mode: 'markers', hoverinfo: 'text', marker: { color: colourOf(images), size: 7, opacity: 0.7 }, name: plain(images),
    error_y: {
      type: 'data', symmetric: false, visible: shown.length <= FEW, thickness: 1, width: 2, color: colourOf(images),
      array: some.map(row => at('high', row) - at('alpha', row) || 0), arrayminus: some.map(row => at('alpha', row) - at('low', row) || 0),
    },
  }));
  const many = traces.length > 1;
  for (const colour of [KEPT, CURRENT]) {
    traces.push({ x: [], y: [], mode: 'markers', marker: { color: colour, size: 13, line: { color: '#fff', width: 1 } }, hoverinfo: 'skip', showlegend: false });
  }
  const shapes = name === 'alpha' ? [ONE, { ...ONE, xref: 'x', x0: 1, x1: 1, yref: 'paper', y0: 0, y1: 1 }] : [ONE];
  Plotly.react(target, traces, layout({
    shapes, showlegend: many, xaxis: axis(plain(labelOf(name)), { type: log ? 'log' : 'linear' }), yaxis: axis('alpha'),
  }), CONFIG);
}

function markFigures(kept, current, visible, name) {
  const depth = document.getElementById('depth'), scatter = document.getElementById('scatter');
  const seen = [kept, current].map(row => (row !== null && visible.has(row) ? row : null));
  if (depth.data?.length > 2) {
    const many = seen.map(row => (row === null ? [] : lines.get(lineOf(row)) ?? []));
    Plotly.restyle(depth, {
      x: many.map(rows => points(rows).x), y: many.map(rows => points(rows).y),
      'marker.size': many.map((rows, i) => rows.map(row => (row === seen[i] ? 12 : 6))),
    }, [depth.data.length - 2, depth.data.length - 1]);
  }
  if (scatter.data?.length > 2) {
    const dots = seen.map(row => (row !== null && known(at(name, row)) && known(at('alpha', row)) ? [row] : []));
    Plotly.restyle(scatter, { x: dots.map(rows => rows.map(r => at(name, r))), y: dots.map(rows => rows.map(r => at('alpha', r))) },
      [scatter.data.length - 2, scatter.data.length - 1]);
  }
}
