// The table of statistics, sorted and filtered by itself, and the sentences that say what is in it.

const STATISTICS = {
  filters: ['target', 'statistic', 'predictor', 'position', 'layer', 'window'],
  intervals: { low: ['high', 'interval'], low_groups: ['high_groups', 'interval over groups'], null_low: ['null_high', 'null interval'] },
  labels: { p_corrected: 'p, corrected', null: 'null mean', n_models: 'models', n_groups: 'groups', n_rows: 'rows' },
  one_target: 100, // rows beyond which those of one target are shown first
  most: 1000, // rows in the table at once; beyond them a page becomes slow, and nobody reads them
};

function statisticText(name, value) {
  if (typeof value !== 'number') return value;
  if (!Number.isFinite(value)) return '';
  if (name === 'p' || name === 'p_corrected') return value < 1e-3 ? '< 0.001' : value.toFixed(3);
  if (name.startsWith('n_') && Number.isInteger(value)) return value.toLocaleString('en');
  const size = Math.abs(value);
  return size >= 1000 ? value.toLocaleString('en', { maximumFractionDigits: 1 }) : size !== 0 && size < 1e-3 ? value.toExponential(1) : value.toFixed(3);
}

function statisticColumns(columns, names) { // two ends of an interval stand in one column, sorted by the lower
  const uppers = Object.entries(STATISTICS.intervals).filter(([low, [high]]) => columns.has(low) && columns.has(high));
  const of = new Map(uppers);
  const skipped = new Set(uppers.map(([, [high]]) => high));
  return names.filter(name => !skipped.has(name) && columns.get(name).values.some(known)).map(name => {
    const { values, numeric } = columns.get(name);
    const one = { name, numeric, label: Object.hasOwn(STATISTICS.labels, name) ? STATISTICS.labels[name] : name, title: '' };
    if (!of.has(name)) return { ...one, text: row => statisticText(name, values[row]) };
    const [high, label] = of.get(name);
    const text = row => (known(values[row]) ? `${statisticText(name, values[row])} to ${statisticText(high, columns.get(high).values[row])}` : '');
    return { ...one, label, text, title: 'sorted by its low end' };
  });
}

function startStatistics(told) {
  const columns = unpacked(told.columns);
  const shown = statisticColumns(columns, told.order);
  const all = Array.from({ length: told.n }, (_, row) => row);
  const said = [...document.querySelectorAll('#sentences .said')];
  const body = $('statistics-table').tBodies[0];
  const lines = new Map(); // made when first shown
  let order = all, inside = all;
  let sorted = { name: null, down: false };
  function lineOfRow(row) {
    if (!lines.has(row)) {
      lines.set(row, make('tr'));
      lines.get(row).append(...shown.map(column => {
        const text = column.text(row);
        return make('td', text, { className: column.numeric ? 'number' : text.length > 40 ? 'long' : '' });
      }));
    }
    return lines.get(row);
  }

  const filters = STATISTICS.filters.filter(name => columns.has(name) && !columns.get(name).numeric).map(name => {
    const spoken = name === 'target' ? said.map(each => each.dataset.target).filter(known) : [];
    const values = [...new Set([...columns.get(name).values, ...spoken])];
    const select = make('select', undefined, { id: `statistics-${name}` });
    select.append(make('option', 'all', { value: '' }), ...values.map((text, i) => make('option', text || '(none)', { value: String(i) })));
    const label = make('label', `${name} `, { hidden: values.length < 2 });
    label.append(select);
    $('statistics-download').before(label);
    return { name, chosen: () => (select.value === '' ? null : values[select.value]) };
  });
  function choose() {
    const wanted = filters.map(each => [columns.get(each.name).values, each.chosen()]).filter(([, value]) => value !== null);
    inside = order.filter(row => wanted.every(([values, value]) => values[row] === value));
    body.replaceChildren(...inside.slice(0, STATISTICS.most).map(lineOfRow));
    const more = inside.length > STATISTICS.most ? `, the first ${STATISTICS.most} of them shown` : '';
    $('statistics-count').textContent = `${inside.length} of ${told.n} statistics${more}`;
    const target = filters.find(each => each.name === 'target').chosen();
    for (const each of said) each.hidden = target !== null && each.dataset.target !== '' && each.dataset.target !== target;
  }

  const head = $('statistics-table').tHead.insertRow();
  for (const column of shown) {
    const cell = make('th', undefined, { scope: 'col', className: column.numeric ? 'number' : '', ariaSort: 'none' });
    const button = make('button', column.label, { type: 'button', title: column.title });
    button.addEventListener('click', () => {
      sorted = { name: column.name, down: sorted.name === column.name && !sorted.down };
      const { values } = columns.get(column.name);
      order = [...all].sort((a, b) => inOrder(values[a], values[b], sorted.down) || a - b);
      [...head.cells].forEach((each, i) => {
        each.ariaSort = shown[i].name !== sorted.name ? 'none' : sorted.down ? 'descending' : 'ascending';
      });
      choose();
    });
    cell.append(button);
    head.append(cell);
  }
  if (told.n > STATISTICS.one_target) $('statistics-target').value = '0';
  $('statistics-controls').addEventListener('change', choose);
  $('statistics-controls').addEventListener('submit', event => event.preventDefault());
  $('statistics-download').addEventListener('click', () => saveCsv(columns, told.order, inside, 'statistics.csv'));
  choose();
}
if (TASKS.statistics) startStatistics(TASKS.statistics);
