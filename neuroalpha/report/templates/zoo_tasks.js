// Accuracies and scores against alpha. Blue is the row pointed at, orange the row kept; other marks are of a family, or of
// a model where the table has no families, and colours stay with it whatever is chosen.

const TASKS = DATA.tasks;
const TARGETS = TASKS.targets;
const isTarget = name => TARGETS.some(each => each.name === name);
const AT_ONE = { type: 'line', xref: 'x', x0: 1, x1: 1, yref: 'paper', y0: 0, y1: 1, line: { color: '#000', width: 1, dash: 'dash' } };

// Colours and shapes go round at different paces, so that 30 groups differ; more cannot be told apart.
const SHAPES = ['circle', 'square', 'diamond', 'triangle-up', 'cross'];
const MOST_GROUPS = OTHERS.length * SHAPES.length;
const MOST_NAMED = 12; // a longer legend leaves no room for the figure
const GROUP = anyKnown('family') && !COLUMNS.get('family').numeric ? 'family' : 'model';
const GROUPS = [...new Set(COLUMNS.get(GROUP).values)].filter(known).sort(byText);
const COLOURED = GROUPS.length <= MOST_GROUPS;
const UNKNOWN = '#9a9a9a';

function optionGroups(items) { // of {name, label, group}
  return [...new Set(items.map(each => each.group))].map(group => {
    const element = make('optgroup', undefined, { label: group });
    element.append(...items.filter(each => each.group === group).map(each => make('option', each.label, { value: each.name })));
    return element;
  });
}
if (TARGETS.length) {
  $('target').append(...optionGroups(TARGETS));
  $('target').value = TARGETS[0].name;
  $('tasks-colour').textContent = COLOURED ? `Colours and shapes tell ${GROUP === 'family' ? 'families' : 'models'} apart.`
    : `${GROUPS.length} ${GROUP === 'family' ? 'families' : 'models'} are too many to colour; point at a mark for its name.`;
}

function ends(rows, name, low, high) { // lengths of an interval's two sides, none where it is not known
  const length = (a, b) => (Number.isFinite(a) && Number.isFinite(b) ? Math.max(a - b, 0) : 0);
  return {
    type: 'data', symmetric: false, thickness: 1, width: 0,
    array: rows.map(row => length(at(high, row), at(name, row))), arrayminus: rows.map(row => length(at(name, row), at(low, row))),
  };
}
function targetText(row, target) {
  const value = written(target.name, at(target.name, row));
  const between = target.low && known(at(target.low, row)) ? ` [${written(target.name, at(target.low, row))} to ${written(target.name, at(target.high, row))}]` : '';
  const family = GROUP === 'family' && at('family', row) ? `<br>${plain(at('family', row))}` : '';
  return `${hoverText(row)}<br>${plain(target.label)} ${value}${between}${family}`;
}
const signed = value => (Number.isFinite(value) ? value.toFixed(3).replace('-', '−') : 'not defined');

function drawTasks(rows) {
  if (!TARGETS.length) return;
  const figure = $('tasks');
  const target = TARGETS.find(each => each.name === $('target').value);
  const shown = rows.filter(row => known(at(target.name, row)) && known(at('alpha', row)));
  const x = shown.map(row => at('alpha', row)), y = shown.map(row => at(target.name, row));
  const enough = shown.length > 2;
  const rho = enough ? spearman(x, y) : NaN, near = enough ? spearman(x.map(alpha => Math.abs(alpha - 1)), y) : NaN;
  const models = new Set(shown.map(row => at('model', row))).size;
  const said = $('tasks-spearman');
  Object.assign(said.dataset, { rho, near, n: shown.length });
  said.textContent = `Spearman correlation with alpha ${signed(rho)}, with |alpha\u00a0−\u00a01| ${signed(near)}: of the points shown; not a test `
    + `(${shown.length} row${shown.length === 1 ? '' : 's'} of ${models} model${models === 1 ? '' : 's'}).`;
  if (!shown.length) return Plotly.react(figure, [], layout(empty('no row shown has both numbers')), CONFIG);
  const bars = shown.length <= FEW;
  const groups = COLOURED ? [...GROUPS, ''] : [null];
  const traces = groups.map((group, i) => {
    const some = group === null ? shown : shown.filter(row => at(GROUP, row) === group);
    const color = group === null ? OTHERS[1] : group === '' ? UNKNOWN : OTHERS[i % OTHERS.length];
    const error = { color: `${color}70`, visible: bars }; // lighter than the marks, which they would hide
    return {
      x: some.map(row => at('alpha', row)), y: some.map(row => at(target.name, row)), text: some.map(row => targetText(row, target)), customdata: some,
      mode: 'markers', hoverinfo: 'text', name: plain(group || `no ${GROUP}`),
      marker: { color, symbol: group ? SHAPES[i % SHAPES.length] : 'circle', size: 8, opacity: 0.8, line: { color: '#fff', width: 0.5 } },
      error_x: { ...ends(some, 'alpha', 'low', 'high'), ...error },
      error_y: target.low ? { ...ends(some, target.name, target.low, target.high), ...error } : { visible: false },
    };
  }).filter(trace => trace.x.length);
  const several = traces.length > 1 && traces.length <= MOST_NAMED;
  for (const color of [KEPT, CURRENT]) {
    traces.push({ x: [], y: [], mode: 'markers', marker: { color, size: 13, line: { color: '#fff', width: 1 } }, hoverinfo: 'skip', showlegend: false });
  }
  // On a phone a legend has one name a line, and Plotly's buttons stay above it.
  const narrow = several && figure.clientWidth < 480;
  const high = 330 + 20 * traces.length;
  figure.style.height = narrow ? `${high}px` : '';
  const below = { legend: { orientation: 'h', yref: 'container', y: 1 - 32 / high, yanchor: 'top', x: 0, font: { size: 12 } } };
  Plotly.react(figure, traces, layout({
    shapes: [AT_ONE], showlegend: several, ...(narrow ? below : {}), xaxis: axis('alpha'),
    yaxis: axis(plain(target.label) + (target.better === 'lower' ? ' (lower is better)' : '')),
  }), CONFIG);
}

function markTasks(kept, current, visible) {
  if (!TARGETS.length || !($('tasks').data?.length > 2)) return;
  const name = $('target').value, n = $('tasks').data.length;
  const dots = [kept, current].map(row => (row !== null && visible.has(row) && known(at(name, row)) && known(at('alpha', row)) ? [row] : []));
  Plotly.restyle('tasks', { x: dots.map(rows => rows.map(row => at('alpha', row))), y: dots.map(rows => rows.map(row => at(name, row))) }, [n - 2, n - 1]);
}
