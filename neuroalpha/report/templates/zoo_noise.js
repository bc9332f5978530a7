// Curves over the level of label noise, coloured by alpha. Lines of nearly one alpha share a trace, with gaps between them:
// hundreds of traces would be slow.

const NOISE = new Map(); // kind -> key -> curve
for (const curve of TASKS.noise) {
  if (!NOISE.has(curve.noise)) NOISE.set(curve.noise, new Map());
  NOISE.get(curve.noise).set(curve.key, curve);
}
const NOISE_KINDS = [...NOISE.keys()];
const MEASURES = ['accuracy', 'memorisation'].filter(name => TASKS.noise.some(curve => name in curve));
if (NOISE_KINDS.length) {
  $('noise-kind').append(...NOISE_KINDS.map((kind, i) => make('option', kind, { value: String(i) })));
  $('noise-measure').append(...MEASURES.map(name => make('option', name === 'accuracy' ? 'Accuracy' : 'Memorisation', { value: name })));
}

// Dark blue over green to ochre, lightness rising all the way and never so light that a line is lost on white.
const SCALE = [[58, 20, 98], [46, 80, 150], [28, 132, 140], [68, 170, 84], [214, 176, 24]];
function scaleColour(share) {
  const place = Math.min(Math.max(share, 0), 1) * (SCALE.length - 1);
  const i = Math.min(Math.floor(place), SCALE.length - 2);
  return `rgb(${SCALE[i].map((from, k) => Math.round(from + (SCALE[i + 1][k] - from) * (place - i))).join(',')})`;
}
const COLOURSCALE = SCALE.map((_, i) => [i / (SCALE.length - 1), scaleColour(i / (SCALE.length - 1))]);
const BINS = 24;
const FEW_CURVES = 8; // that can have intervals without hiding one another

let curves = new Map(); // row -> curve, as drawn
function curvePoints(row, measure) {
  const curve = curves.get(row);
  const text = curve.level.map((level, i) => {
    const between = measure === 'accuracy' && known(curve.low?.[i] ?? NaN) && known(curve.high?.[i] ?? NaN) ? ` [${curve.low[i].toFixed(3)} to ${curve.high[i].toFixed(3)}]` : '';
    return `${hoverText(row)}<br>${plain(curve.noise)} ${level}: ${measure} ${curve[measure][i]?.toFixed(3)}${between}`;
  });
  return { x: curve.level, y: curve[measure], text, customdata: curve.level.map(() => row) };
}
function joinedCurves(rows, measure) {
  const result = { x: [], y: [], text: [], customdata: [] };
  for (const row of rows) {
    for (const [name, values] of Object.entries(curvePoints(row, measure))) result[name].push(...values, name === 'text' ? '' : null);
  }
  return result;
}
function curveEnds(rows) {
  const side = (name, sign) => rows.flatMap(row => {
    const curve = curves.get(row);
    return [...curve.accuracy.map((value, i) => Math.max(sign * ((curve[name]?.[i] ?? value) - value), 0)), 0];
  });
  return { type: 'data', symmetric: false, thickness: 1, width: 2, array: side('high', 1), arrayminus: side('low', -1) };
}

function drawNoise(rows) {
  if (!NOISE_KINDS.length) return;
  const measure = $('noise-measure').value;
  const ofKind = NOISE.get(NOISE_KINDS[$('noise-kind').value]);
  const seen = new Set();
  curves = new Map(rows.filter(row => { // the rows of one key differ in their window: one curve, the first row's alpha
    const key = at('key', row);
    if (!ofKind.has(key) || !(measure in ofKind.get(key)) || seen.has(key)) return false;
    return seen.add(key);
  }).map(row => [row, ofKind.get(at('key', row))]));
  const drawn = [...curves.keys()];
  const twice = rows.filter(row => ofKind.has(at('key', row))).length > drawn.length && measure === 'accuracy';
  $('noise-note').textContent = `${drawn.length} line${drawn.length === 1 ? '' : 's'}.${twice ? ' Several windows are shown: a line has the alpha of the first of them in the table.' : ''}`;
  if (!drawn.length) return Plotly.react('noise', [], layout(empty('no row shown has such a curve')), CONFIG);
  const alphas = drawn.map(row => at('alpha', row)).filter(known);
  let least = Math.min(...alphas), most = Math.max(...alphas);
  if (!(most - least > 1e-6)) [least, most] = [least - 0.05, most + 0.05];
  const bins = new Map();
  for (const row of drawn) {
    const alpha = at('alpha', row);
    const bin = known(alpha) ? Math.min(Math.floor((alpha - least) / (most - least) * BINS), BINS - 1) : -1;
    bins.set(bin, [...(bins.get(bin) ?? []), row]);
  }
  const style = { mode: 'lines+markers', hoverinfo: 'text', connectgaps: false, showlegend: false, opacity: drawn.length > 30 ? 0.65 : 0.9 };
  const traces = [...bins].sort((a, b) => a[0] - b[0]).map(([bin, some]) => {
    const color = bin < 0 ? UNKNOWN : scaleColour((bin + 0.5) / BINS);
    return {
      ...style, ...joinedCurves(some, measure), line: { color, width: 1.3 }, marker: { color, size: 4 },
      ...(measure === 'accuracy' && drawn.length <= FEW_CURVES ? { error_y: { ...curveEnds(some), color } } : {}),
    };
  });
  if (alphas.length) { // nothing but the colour bar
    traces.unshift({
      x: [null], y: [null], mode: 'markers', hoverinfo: 'skip', showlegend: false,
      marker: { color: [least], cmin: least, cmax: most, colorscale: COLOURSCALE, showscale: true, colorbar: { title: { text: 'alpha' }, thickness: 12, outlinewidth: 0 } },
    });
  }
  for (const color of [KEPT, CURRENT]) traces.push({ x: [], y: [], mode: 'lines+markers', line: { color, width: 3.5 }, marker: { color, size: 8 }, hoverinfo: 'skip', showlegend: false });
  const levels = [...new Set(drawn.flatMap(row => curves.get(row).level))].sort((a, b) => a - b);
  const room = (levels.at(-1) - levels[0]) * 0.03 || 0.05;
  const ticks = levels.length <= 8 ? { tickvals: levels, ticktext: levels.map(String) } : {};
  const top = $('noise').clientWidth < 480 ? 38 : 12; // on a phone Plotly's buttons are always there
  Plotly.react('noise', traces, layout({
    margin: { l: 55, r: 24, t: top, b: 50 },
    xaxis: axis(`share of wrong labels: ${plain(NOISE_KINDS[$('noise-kind').value])}`, { range: [levels[0] - room, levels.at(-1) + room], ...ticks }), yaxis: axis(measure),
  }), CONFIG);
}

function markNoise(kept, current, visible) {
  if (!NOISE_KINDS.length || !($('noise').data?.length > 2)) return;
  const ofRow = row => (row === null || !visible.has(row) ? undefined : [...curves.keys()].find(drawn => at('key', drawn) === at('key', row)));
  const lines = [kept, current].map(ofRow).map(row => (row === undefined ? { x: [], y: [] } : curvePoints(row, $('noise-measure').value)));
  const n = $('noise').data.length;
  Plotly.restyle('noise', { x: lines.map(line => line.x), y: lines.map(line => line.y) }, [n - 2, n - 1]);
}
