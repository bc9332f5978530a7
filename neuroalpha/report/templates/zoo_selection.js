// Rules of model selection, as compared once over the sweep: success over readouts beside random search, and growth.

const CHOICE = DATA.selection;
const lookOfScore = name => CHOICE.scores.find(each => each.name === name);

function drawRules() {
  if (!CHOICE) return;
  const rule = CHOICE.rules[$('rule').value].name;
  const mine = CHOICE.curves.filter(each => each.rule === rule && each.x.length);
  const line = ({ colour, dash }) => ({ color: colour, dash, width: 2 });
  const mostly = Math.max(1, ...mine.flatMap(each => each.x), ...CHOICE.halving.x);
  const end = Math.min(CHOICE.n_models, mine.length ? 2 * mostly : CHOICE.n_models);
  const traces = [{ x: CHOICE.random.x, y: CHOICE.random.y, mode: 'lines', line: { color: '#000', dash: 'dash', width: 1.5 }, hovertemplate: 'random search<br>%{x} read out: %{y:.3f}<extra></extra>' }];
  for (const each of mine) {
    const look = lookOfScore(each.score);
    traces.push({ x: each.x, y: each.y, mode: 'lines', line: line(look), hovertemplate: `${plain(look.label)}<br>%{x} read out: %{y:.3f}<extra></extra>` });
    const { readouts, success, random_success: beside } = each.stop;
    if (readouts.length) {
      traces.push({
        x: readouts, y: success, mode: 'markers', marker: { color: look.colour, symbol: look.mark, size: 10, line: { color: '#fff', width: 1 } },
        hovertemplate: `${plain(look.label)} stops after %{x:.1f}<br>success %{y:.3f}, random at equal readouts ${beside[0] === null ? '?' : beside[0].toFixed(3)}<extra></extra>`,
      });
    }
  }
  if (CHOICE.halving.x.length) traces.push({ ...CHOICE.halving, mode: 'markers', marker: { symbol: 'star-open', size: 13, color: '#000', line: { width: 1.5 } }, hovertemplate: 'successive halving<br>cost %{x:.1f}: %{y:.3f}<extra></extra>' });
  const top = $('success').clientWidth < 480 ? 38 : 12;
  Plotly.react('success', traces, layout({
    margin: { l: 55, r: 24, t: top, b: 50 },
    xaxis: axis('models read out', { range: [0, end * 1.03] }), yaxis: axis(`success (within ${CHOICE.tolerance} of the best)`, { range: [-0.03, 1.04] }),
  }), CONFIG);
  legend($('rules-legend'), [
    ...CHOICE.scores.filter(each => mine.some(one => one.score === each.name)).map(each => ({ ...each })), { label: 'random search', colour: '#000', dash: 'dash' },
    ...(CHOICE.halving.x.length ? [{ label: 'successive halving', colour: '#000', mark: 'star', open: true }] : []),
  ]);
  if ($('growth')) drawGrowth(rule, top);
}

function drawGrowth(rule, top) {
  const mine = CHOICE.growth.filter(each => each.rule === rule && each.x.length);
  if (!mine.length) return Plotly.react('growth', [], layout(empty('no growth was computed for this rule')), CONFIG);
  const sizes = [...new Set(mine.flatMap(each => each.x))].sort((a, b) => a - b);
  const highest = Math.max(...mine.flatMap(each => each.y));
  const diagonal = Array.from({ length: 40 }, (_, i) => sizes[0] * (sizes.at(-1) / sizes[0]) ** (i / 39));
  const traces = [{ x: diagonal, y: diagonal, mode: 'lines', line: { color: '#000', dash: 'dot', width: 1 }, hoverinfo: 'skip' }];
  for (const each of mine) {
    const look = lookOfScore(each.score);
    const [x, y] = each.fit.length ? each.fit : [each.x, each.y];
    traces.push({ x, y, mode: 'lines', line: { color: look.colour, dash: look.dash, width: 1.5 }, hoverinfo: 'skip' });
    traces.push({ x: each.x, y: each.y, mode: 'markers', marker: { color: look.colour, symbol: look.mark, size: 7 }, hovertemplate: `${plain(look.label)}${each.form ? `, best fit ${each.form}` : ''}<br>%{x} models: %{y:.1f} readouts<extra></extra>` });
  }
  const ticks = [...new Set([0, 0.2, 0.4, 0.6, 0.8, 1].map(share => sizes.reduce((a, b) => (Math.abs(Math.log(b / sizes[0]) - share * Math.log(sizes.at(-1) / sizes[0])) < Math.abs(Math.log(a / sizes[0]) - share * Math.log(sizes.at(-1) / sizes[0])) ? b : a))))];
  Plotly.react('growth', traces, layout({
    margin: { l: 55, r: 24, t: top, b: 50 },
    xaxis: axis('number of models (log axis)', { type: 'log', tickvals: ticks, ticktext: ticks.map(String) }), yaxis: axis('readouts until the rule stops', { range: [0, highest * 1.08] }),
  }), CONFIG);
  const forms = new Map();
  for (const { form } of mine) if (form) forms.set(form, (forms.get(form) ?? 0) + 1);
  $('growth-note').textContent = forms.size ? `Best fits (least AIC): ${[...forms].map(([form, n]) => `${form} for ${n} of ${mine.length}`).join(', ')}.` : '';
}

if (CHOICE) {
  $('rule').append(...CHOICE.rules.map(({ label }, i) => make('option', label, { value: String(i) })));
  $('rule').addEventListener('change', drawRules);
  drawRules();
}
